import { createHmac, type KeyObject } from 'node:crypto'

import { describe, expect, it } from 'vitest'
import { sha256Hex, type Header } from '../../../../src/aws/sigv4/canonical-request.ts'
import {
  credentialScope,
  formatAmzDate,
  signRequest,
  type SignableRequest,
  type SigningOptions,
} from '../../../../src/aws/sigv4/sign.ts'
import { deriveSigningKey, SigningKeyCache } from '../../../../src/aws/sigv4/signing-key.ts'
import { exampleKeys, signingVectors } from './vectors.ts'

const request: SignableRequest = {
  method: 'POST',
  path: '/',
  query: '',
  headers: [['Host', 'example.amazonaws.com']],
  body: 'Param1=value1',
}
const options: SigningOptions = {
  credentials: exampleKeys,
  region: 'us-east-1',
  service: 'service',
  date: new Date('2015-08-30T12:36:00Z'),
}
const temporaryKeys = { ...exampleKeys, sessionToken: 'token==' }

function namesOf(headers: readonly Header[]): string[] {
  return headers.map(([name]) => name)
}

function hmacHex(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

describe('signRequest', () => {
  it.each(signingVectors)('gives every stage of: $name', vector => {
    const { region, service, sessionToken } = vector
    const signed = signRequest(vector.request, {
      credentials: { ...exampleKeys, sessionToken },
      region,
      service,
      date: new Date(vector.isoDate),
    })
    expect(signed.canonicalRequest).toBe(vector.canonicalRequest.join('\n'))
    expect(signed.signedHeaders).toBe(vector.canonicalRequest.at(-2))
    expect(signed.stringToSign).toBe(vector.stringToSign.join('\n'))
    expect(signed.signature).toBe(vector.signature)
    expect(signed.headers).toEqual([
      ['x-amz-date', vector.stringToSign[1]],
      ...(sessionToken === undefined ? [] : [['x-amz-security-token', sessionToken]]),
      [
        'authorization',
        `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${vector.stringToSign[2]}, ` +
          `SignedHeaders=${vector.canonicalRequest.at(-2)}, Signature=${vector.signature}`,
      ],
    ])
  })

  it('ignores what an earlier signature left on the request, whatever its case', () => {
    const stale: readonly Header[] = [
      ['Authorization', 'AWS4-HMAC-SHA256 old'],
      ['X-Amz-Date', '20000101T000000Z'],
      ['Date', 'Sat, 01 Jan 2000 00:00:00 GMT'],
      ['X-Amz-Security-Token', 'old'],
      ['X-Amz-Content-SHA256', 'old'],
    ]
    const withToken = { ...options, credentials: temporaryKeys, sendPayloadHash: true }
    expect(signRequest({ ...request, headers: [...stale, ...request.headers] }, withToken)).toEqual(
      signRequest(request, withToken),
    )
  })

  it('signs the session token unless it is told to add it afterwards', () => {
    const before = signRequest(request, { ...options, credentials: temporaryKeys })
    expect(before.signedHeaders).toBe('host;x-amz-date;x-amz-security-token')
    expect(before.canonicalRequest).toContain('\nx-amz-security-token:token==\n')

    const after = signRequest(request, { ...options, credentials: temporaryKeys, signSessionToken: false })
    const without = signRequest(request, options)
    expect(after.signature).toBe(without.signature)
    expect(after.headers).toContainEqual(['x-amz-security-token', 'token=='])
    expect(namesOf(without.headers)).toEqual(['x-amz-date', 'authorization'])
  })

  it('never signs an old session token in place of the one added afterwards', () => {
    const stale = { ...request, headers: [...request.headers, ['x-amz-security-token', 'old']] as Header[] }
    const afterwards = { ...options, credentials: temporaryKeys, signSessionToken: false }
    expect(signRequest(stale, afterwards)).toEqual(signRequest(request, afterwards))
  })

  it('treats an empty session token as none', () => {
    const signed = signRequest(request, { ...options, credentials: { ...exampleKeys, sessionToken: '' } })
    expect(signed).toEqual(signRequest(request, options))
  })

  it('sends and signs the hash of the body when it is asked to', () => {
    const signed = signRequest(request, { ...options, sendPayloadHash: true })
    expect(signed.signedHeaders).toBe('host;x-amz-content-sha256;x-amz-date')
    expect(signed.headers).toContainEqual(['x-amz-content-sha256', sha256Hex('Param1=value1')])
    expect(signed.canonicalRequest.split('\n').at(-1)).toBe(sha256Hex('Param1=value1'))
  })

  it('takes a body of bytes', () => {
    const bytes = new TextEncoder().encode('Param1=value1')
    expect(signRequest({ ...request, body: bytes }, options)).toEqual(signRequest(request, options))
  })

  it('passes normalizePath on', () => {
    const dotted = { ...request, path: '/a/../b' }
    expect(signRequest(dotted, options).canonicalRequest).toContain('\n/b\n')
    expect(signRequest(dotted, { ...options, normalizePath: false }).canonicalRequest).toContain(
      '\n/a/../b\n',
    )
  })

  it('gives the same with a cache of signing keys, and fills it', () => {
    const signingKeys = new SigningKeyCache()
    const expected = signRequest(request, options)
    expect(signRequest(request, { ...options, signingKeys })).toEqual(expected)
    expect(signRequest(request, { ...options, signingKeys })).toEqual(expected)
    const cached = signingKeys.get(exampleKeys, '20150830', 'us-east-1', 'service')
    expect(hmacHex(cached, expected.stringToSign)).toBe(expected.signature)
  })

  it('leaves the request as it was', () => {
    const frozen = Object.freeze({ ...request, headers: Object.freeze([...request.headers]) })
    const copy = structuredClone(frozen)
    signRequest(frozen, { ...options, credentials: temporaryKeys, sendPayloadHash: true })
    expect(frozen).toEqual(copy)
  })

  it('shows the secret in none of its stages', () => {
    expect(JSON.stringify(signRequest(request, options))).not.toContain(exampleKeys.secretAccessKey)
  })

  it('refuses an invalid date', () => {
    expect(() => signRequest(request, { ...options, date: new Date(Number.NaN) })).toThrow(RangeError)
  })
})

describe('stages', () => {
  it('can be put together by hand', () => {
    const { canonicalRequest, ...signed } = signRequest(request, options)
    const scope = credentialScope('20150830', 'us-east-1', 'service')
    const text = `AWS4-HMAC-SHA256\n20150830T123600Z\n${scope}\n${sha256Hex(canonicalRequest)}`
    const key = deriveSigningKey(exampleKeys.secretAccessKey, '20150830', 'us-east-1', 'service')
    expect(text).toBe(signed.stringToSign)
    expect(hmacHex(key, text)).toBe(signed.signature)
  })

  it.each([
    ['2026-01-02T03:04:05.678Z', '20260102T030405Z'],
    ['2026-01-01T00:30:00+01:00', '20251231T233000Z'],
    ['2028-02-29T23:59:59.999Z', '20280229T235959Z'],
  ])('the time %s is written as %s', (isoDate, amzDate) => {
    expect(formatAmzDate(new Date(isoDate))).toBe(amzDate)
  })
})
