import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DpopKey } from '../../../../src/aws/credentials/login.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const URL_OF_REQUEST = 'https://eu-west-1.signin.aws.amazon.com/v1/token'

function newKeyPem(type: 'sec1' | 'pkcs8', namedCurve = 'P-256'): string {
  return generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }).toString()
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}

function partsOf(proof: string): { header: Record<string, unknown>; payload: Record<string, unknown> } {
  const [header = '', payload = ''] = proof.split('.')
  return { header: decode(header), payload: decode(payload) }
}

function proofWith(pem: string, clock = new ManualClock()): string {
  const key = DpopKey.fromPem(pem)
  if (key === undefined) throw new Error('the key was refused')
  return key.proof(URL_OF_REQUEST, clock)
}

describe('a proof', () => {
  it('says what is sent where and when, and shows the public half of the key only', () => {
    const pem = newKeyPem('sec1')
    const { header, payload } = partsOf(proofWith(pem, new ManualClock(1_900_000_000_999)))
    const { x, y } = createPublicKey(pem).export({ format: 'jwk' })
    expect(header).toStrictEqual({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty: 'EC', crv: 'P-256', x, y } })
    expect(payload).toStrictEqual({
      jti: expect.stringMatching(
        /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
      ) as unknown,
      htm: 'POST',
      htu: URL_OF_REQUEST,
      iat: 1_900_000_000,
    })
  })

  // Integers of a signature with leading zeros come up once in 128 times: they must be padded, not cut.
  it('is signed in the raw 64-byte form, for which the public key in it vouches', () => {
    const pem = newKeyPem('sec1')
    for (let round = 0; round < 400; round++) {
      const proof = proofWith(pem)
      const signedText = proof.slice(0, proof.lastIndexOf('.'))
      const signature = Buffer.from(proof.slice(signedText.length + 1), 'base64url')
      const key = createPublicKey({ key: partsOf(proof).header['jwk'] as JsonWebKey, format: 'jwk' })
      expect(signature).toHaveLength(64)
      const publicKey = { key, dsaEncoding: 'ieee-p1363' } as const
      expect(verify('sha256', Buffer.from(signedText), publicKey, signature)).toBe(true)
      expect(verify('sha256', Buffer.from(`${signedText}x`), publicKey, signature)).toBe(false)
    }
  })

  it('is another one each time', () => {
    const pem = newKeyPem('pkcs8')
    const identifiers = Array.from({ length: 50 }, () => partsOf(proofWith(pem)).payload['jti'])
    expect(new Set(identifiers).size).toBe(50)
  })
})

describe('a key', () => {
  it('takes a P-256 key in either PEM form', () => {
    expect(DpopKey.fromPem(newKeyPem('sec1'))).toBeInstanceOf(DpopKey)
    expect(DpopKey.fromPem(newKeyPem('pkcs8'))).toBeInstanceOf(DpopKey)
  })

  it('refuses other curves, other kinds of keys, public keys and what is no key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const publicKey = createPublicKey(newKeyPem('sec1')).export({ type: 'spki', format: 'pem' }).toString()
    const refused = [
      newKeyPem('sec1', 'P-384'),
      newKeyPem('sec1', 'secp256k1'),
      rsa.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey,
      newKeyPem('sec1').slice(0, 80),
      'no key',
      '',
    ]
    expect(refused.map(pem => DpopKey.fromPem(pem))).toStrictEqual(refused.map(() => undefined))
  })
})
