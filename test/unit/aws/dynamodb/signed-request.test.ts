import { describe, expect, it } from 'vitest'

import { RequestSigner, type SigningTarget } from '../../../../src/aws/dynamodb/signed-request.ts'
import { parseEndpoint } from '../../../../src/aws/http/endpoint.ts'
import type { TransportRequest } from '../../../../src/aws/http/transport.ts'

const target: SigningTarget = {
  endpoint: parseEndpoint('https://dynamodb.eu-west-1.amazonaws.com'),
  region: 'eu-west-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a-token' },
  nowMs: Date.UTC(2026, 0, 1),
  userAgent: ['user-agent', 'test'],
  traceId: undefined,
}
const limits = { connectTimeoutMs: 1, attemptTimeoutMs: 2, deadlineAtMs: 3, signal: undefined }

function sign(signer: RequestSigner, change: Partial<SigningTarget> = {}): TransportRequest {
  return signer.sign('GetItem', '{}', { ...target, ...change }, limits)
}

describe('RequestSigner', () => {
  it.each<[string, Partial<SigningTarget>]>([
    ['another endpoint', { endpoint: parseEndpoint('http://127.0.0.1:8000/base') }],
    ['another region', { region: 'eu-central-1' }],
    ['another access key ID', { credentials: { ...target.credentials, accessKeyId: 'AKIDOTHER' } }],
    ['another secret', { credentials: { ...target.credentials, secretAccessKey: 'another secret' } }],
    ['another session token', { credentials: { ...target.credentials, sessionToken: 'another-token' } }],
    ['another second', { nowMs: target.nowMs + 1000 }],
  ])('signs for %s as one that has signed nothing before', (_, change) => {
    const signer = new RequestSigner()
    const before = sign(signer)
    const changed = sign(signer, change)
    expect(changed).toEqual(sign(new RequestSigner(), change))
    expect(changed).not.toEqual(before)
    expect(sign(signer)).toEqual(before)
  })

  it('takes a change inside the object of the credentials for one', () => {
    const signer = new RequestSigner()
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret' }
    const before = sign(signer, { credentials })
    credentials.secretAccessKey = 'another secret'
    expect(sign(signer, { credentials })).toEqual(sign(new RequestSigner(), { credentials }))
    expect(sign(signer, { credentials })).not.toEqual(before)
  })
})
