import { createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign } from 'node:crypto'

import type { Clock } from '../../types.ts'

/**
 * Reads the private key that a refresh token is bound to.
 *
 * @param pem `EC PRIVATE KEY` (SEC 1) or `PRIVATE KEY` (PKCS #8) in PEM format.
 * @returns `undefined` when it is none, or not one on the curve P-256.
 */
export function readDpopKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: pem, format: 'pem' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    return undefined
  }
}

/**
 * Makes the value of a `DPoP` header (RFC 9449): a JSON Web Token, signed with ES256, which shows that the sender of
 * a `POST` request holds a private key. It is good for one request only.
 *
 * @param url absolute URL of the request, without query and fragment.
 * @param key what {@link readDpopKey} returned.
 */
export function dpopProof(url: string, key: KeyObject, clock: Clock): string {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }
  const payload = { jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(clock.now() / 1000) }
  const signed = `${base64Url(header)}.${base64Url(payload)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function base64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
