import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  canonicalRequest,
  deriveSigningKey,
  formatAmzDate,
  type Header,
  sha256Hex,
  SignatureTemplate,
  type SigningOptions,
  signRequest,
} from '../../../../src/aws/sigv4/sign.ts'
import { exampleKeys, type SignableRequest, signingVectors } from './vectors.ts'

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

/** The signature, put together from its stages by `node:crypto`. */
function signatureByStages(
  { body, ...rest }: SignableRequest,
  { region, service, date, ...by }: SigningOptions,
) {
  const { secretAccessKey, sessionToken } = by.credentials
  const amzDate = formatAmzDate(date)
  const day = amzDate.slice(0, 8)
  const added: Header[] = [['x-amz-date', amzDate]]
  if (sessionToken) added.push(['x-amz-security-token', sessionToken])
  const { text } = canonicalRequest({ ...rest, headers: [...rest.headers, ...added] }, sha256Hex(body))
  return createHmac('sha256', deriveSigningKey(secretAccessKey, day, region, service))
    .update(`AWS4-HMAC-SHA256\n${amzDate}\n${day}/${region}/${service}/aws4_request\n${sha256Hex(text)}`)
    .digest('hex')
}

describe('signRequest', () => {
  it.each(signingVectors)('gives every stage of: $name', vector => {
    const { region, service, sessionToken } = vector
    const { body, ...rest } = vector.request
    const headers = signRequest(vector.request, {
      credentials: { ...exampleKeys, sessionToken },
      region,
      service,
      date: new Date(vector.isoDate),
    })
    const canonical = canonicalRequest(
      { ...rest, headers: [...rest.headers, ...headers.slice(0, -1)] },
      sha256Hex(body),
    )
    expect(canonical).toEqual({
      text: vector.canonicalRequest.join('\n'),
      signedHeaders: vector.canonicalRequest.at(-2),
    })
    expect(sha256Hex(canonical.text)).toBe(vector.stringToSign.at(-1))
    expect(headers).toEqual([
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
    ]
    for (const credentials of [exampleKeys, temporaryKeys]) {
      const by = { ...options, credentials }
      expect(signRequest({ ...request, headers: [...stale, ...request.headers] }, by)).toEqual(
        signRequest(request, by),
      )
    }
  })

  it('treats an empty session token as none', () => {
    const signed = signRequest(request, { ...options, credentials: { ...exampleKeys, sessionToken: '' } })
    expect(signed).toEqual(signRequest(request, options))
  })

  it('takes a body of bytes', () => {
    const bytes = new TextEncoder().encode('Param1=value1')
    expect(signRequest({ ...request, body: bytes }, options)).toEqual(signRequest(request, options))
  })

  it('leaves the request as it was', () => {
    const frozen = Object.freeze({ ...request, headers: Object.freeze([...request.headers]) })
    const copy = structuredClone(frozen)
    signRequest(frozen, { ...options, credentials: temporaryKeys })
    expect(frozen).toEqual(copy)
  })

  it.each([Number.NaN, Infinity])('refuses an invalid date: %s', epochMs => {
    expect(() => signRequest(request, { ...options, date: new Date(epochMs) })).toThrow(RangeError)
  })

  it.each([
    ['2026-01-02T03:04:05.678Z', '20260102T030405Z'],
    ['2026-01-01T00:30:00+01:00', '20251231T233000Z'],
    ['2028-02-29T23:59:59.999Z', '20280229T235959Z'],
  ])('writes the time %s as %s', (isoDate, amzDate) => {
    expect(formatAmzDate(new Date(isoDate))).toBe(amzDate)
  })
})

const headerValue = fc.stringMatching(/^[!-~\u00A0-\u00FF]{1,8}( [!-~\u00A0-\u00FF]{1,8}){0,3}$/)

const anyRequest = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  path: fc.oneof(
    fc.constant('/'),
    fc.array(fc.constantFrom('a', '/', '.', '%20', 'é', '~', '+')).map(parts => `/${parts.join('')}`),
  ),
  query: fc.constantFrom('', 'a=1&b=2'),
  headers: fc.uniqueArray(fc.tuple(fc.constantFrom('host', 'x-amz-target', 'a', 'é'), headerValue), {
    selector: ([name]) => name,
  }),
})

const anyOptions = fc.record({
  credentials: fc.record(
    {
      accessKeyId: fc.stringMatching(/^[A-Z0-9]{1,20}$/),
      secretAccessKey: fc.string({ minLength: 1, maxLength: 100 }),
      sessionToken: fc.option(fc.base64String({ maxLength: 200 }), { nil: undefined }),
    },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  ),
  region: fc.constantFrom('eu-west-1', 'us-gov-east-1', 'cn-north-1'),
  service: fc.constantFrom('dynamodb', 'sts'),
  date: fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 11, 31)), noInvalidDate: true }),
})

describe('SignatureTemplate', () => {
  it('gives what node:crypto gives, for any bodies in a row', () => {
    const bodies = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array(), fc.json()), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(anyRequest, anyOptions, bodies, (rest, by, all) => {
        const template = new SignatureTemplate(rest, by)
        for (const body of all) {
          expect(template.signatureOf(body)).toBe(signatureByStages({ ...rest, body }, by))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('shows no secret and no key when it is printed (G9)', () => {
    const template = new SignatureTemplate(request, { ...options, credentials: temporaryKeys })
    template.signatureOf('text')
    expect(inspect(template, { showHidden: true, depth: 9 })).toBe('SignatureTemplate {}')
  })
})
