import { describe, expect, it } from 'vitest'

import {
  OperationRequest,
  RequestSigner,
  type Signing,
} from '../../../../src/aws/dynamodb/operation-request.ts'
import { encodeHead } from '../../../../src/aws/http/transport.ts'

const settings = {
  region: 'eu-west-1',
  customEndpoint: undefined,
  useFips: false,
  useDualStack: false,
  accountIdEndpointMode: 'preferred',
  appId: 'shop',
} as const
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a-token' }
const signing: Signing = { credentials, nowMs: Date.UTC(2026, 0, 1), traceId: undefined }
const limits = { connectTimeoutMs: 1, attemptTimeoutMs: 2, deadlineAtMs: 3 }
const asked = {
  operation: 'GetItem',
  input: { TableName: 'sessions', Key: { id: { S: 'a' } } },
  key: undefined,
  body: '{}',
  signal: undefined,
  onDoubt: undefined,
} as const

function sign(
  signer: RequestSigner,
  change: Partial<Signing> = {},
  table = 'sessions',
): OperationRequest<'GetItem'> {
  const template = signer.templateOf('GetItem', table, { ...signing, ...change })
  return new OperationRequest(template, asked, limits)
}

describe('RequestSigner', () => {
  it.each<[string, Partial<Signing>, string?]>([
    ['another account', { credentials: { ...credentials, accountId: '012345678901' } }],
    ['a table of another account', {}, 'arn:aws:dynamodb:eu-west-1:123456789012:table/sessions'],
    ['another access key ID', { credentials: { ...credentials, accessKeyId: 'AKIDOTHER' } }],
    ['another secret', { credentials: { ...credentials, secretAccessKey: 'another secret' } }],
    ['another session token', { credentials: { ...credentials, sessionToken: 'another-token' } }],
    ['another second', { nowMs: signing.nowMs + 1000 }],
    ['an earlier second', { nowMs: signing.nowMs - 1 }],
    ['another trace', { traceId: 'Root=1-2-3' }],
  ])('signs for %s as one that has signed nothing before', (_, change, table) => {
    const signer = new RequestSigner(settings)
    const before = sign(signer)
    const changed = sign(signer, change, table)
    expect(changed).toEqual(sign(new RequestSigner(settings), change, table))
    expect(changed).not.toEqual(before)
    expect(sign(signer)).toEqual(before)
  })

  it('signs the same within a second', () => {
    const signer = new RequestSigner(settings)
    expect(sign(signer, { nowMs: signing.nowMs + 999 })).toEqual(sign(signer))
  })

  it('takes a change inside the object of the credentials for one', () => {
    const signer = new RequestSigner(settings)
    const own = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret' }
    const before = sign(signer, { credentials: own })
    own.secretAccessKey = 'another secret'
    expect(sign(signer, { credentials: own })).toEqual(
      sign(new RequestSigner(settings), { credentials: own }),
    )
    expect(sign(signer, { credentials: own })).not.toEqual(before)
  })

  it('refuses a time that is none', () => {
    for (const nowMs of [Number.NaN, Infinity]) {
      expect(() => sign(new RequestSigner(settings), { nowMs })).toThrow(RangeError)
    }
  })
})

describe('OperationRequest', () => {
  it('has the same header fields one by one as in its head', () => {
    const request = sign(new RequestSigner(settings), { traceId: 'Root=1-2-3' })
    expect(encodeHead(request)).toBe(request.head)
    expect(request.headers.map(([name]) => name)).toEqual([
      'host',
      'content-type',
      'x-amz-target',
      'user-agent',
      'x-amzn-trace-id',
      'x-amz-date',
      'x-amz-security-token',
      'authorization',
    ])
    expect(new Map(request.headers).get('user-agent')).toMatch(/^dynamodb-sessions\/\S+ app\/shop$/)
  })
})
