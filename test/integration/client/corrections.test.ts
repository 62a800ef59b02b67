import { describe, expect, test } from 'vitest'

import { cachedProvider } from '../../../src/aws/credentials/cached-provider.ts'
import { AccessDeniedError, ClockSkewError } from '../../../src/errors.ts'
import { SessionStore } from '../../../src/index.ts'
import type { Credentials } from '../../../src/types.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError, type StubHttpAnswer } from '../../support/stub-dynamodb.ts'
import { openTestClient, someKey, testCredentials, testRegion, useStub } from './test-client.ts'

const stub = useStub()
const nowMs = Date.UTC(2026, 10, 23, 12, 0, 0)
const clock = { now: () => nowMs }

/** An error whose `Date` is `minutes` ahead of the clock of these tests. */
function errorAt(minutes: number, code: string, headers: Record<string, string> = {}): StubHttpAnswer {
  const date = new Date(nowMs + minutes * 60_000).toUTCString()
  return { ...awsError(code, 'Signature not yet current: as scripted'), headers: { date, ...headers } }
}

function signingTimes(): (string | undefined)[] {
  return stub().requests.map(({ headers }) => headers['x-amz-date']?.toString())
}

function accessKeyIds(): (string | undefined)[] {
  return stub().requests.map(({ headers }) => /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1])
}

const other: Credentials = { accessKeyId: 'AKIDEXAMPLE000000002', secretAccessKey: 'other' }

function rotating(...rotation: readonly Credentials[]): () => Credentials {
  let calls = 0
  return () => rotation[Math.min(calls++, rotation.length - 1)] ?? testCredentials
}

function failingToReplace({ rejected }: { rejected?: Credentials } = {}): Credentials {
  if (rejected !== undefined) throw new Error('the source is down')
  return testCredentials
}

describe('a wrong clock', () => {
  test.each([
    'AccessDeniedException',
    'AuthFailure',
    'InvalidSignatureException',
    'RequestExpired',
    'RequestInTheFuture',
    'RequestTimeTooSkewed',
    'SignatureDoesNotMatch',
  ])('is put right after %s, and the call is sent again', async code => {
    const client = openTestClient(stub().endpoint, { clock, maxAttempts: 1 })
    stub().answer(errorAt(10, code), {})
    await client.send('GetItem', someKey)
    expect(signingTimes()).toEqual(['20261123T120000Z', '20261123T121000Z'])
    expect(client.clock.now()).toBe(nowMs + 600_000)

    stub().answer({})
    await client.send('GetItem', someKey)
    expect(signingTimes()).toEqual(['20261123T121000Z'])
  })

  test('is put right backwards too, and again when the machine has been corrected meanwhile', async () => {
    let machineMs = nowMs
    const client = openTestClient(stub().endpoint, { clock: { now: () => machineMs } })
    stub().answer(errorAt(-30, 'RequestTimeTooSkewed'), {})
    await client.send('GetItem', someKey)
    expect(client.clock.now()).toBe(nowMs - 1_800_000)
    machineMs -= 1_800_000
    stub().answer(errorAt(-30, 'RequestTimeTooSkewed'), {})
    await client.send('GetItem', someKey)
    expect(client.clock.now()).toBe(machineMs)
  })

  test('is put right once for a call: a service that goes on refusing is an error', async () => {
    const client = openTestClient(stub().endpoint, { clock })
    stub().answer(errorAt(10, 'RequestTimeTooSkewed'), errorAt(60, 'RequestTimeTooSkewed'))
    const error = await rejectionOf(client.send('GetItem', someKey))
    expect(error).toBeInstanceOf(ClockSkewError)
    expect(error).toMatchObject({ attempts: 2 })
    expect(stub().requests).toHaveLength(2)
  })

  test.each<[string, StubHttpAnswer]>([
    ['less than four minutes', errorAt(3.9, 'AccessDeniedException')],
    ['another error', errorAt(10, 'ValidationException')],
    ['an answer that a cache has kept', errorAt(10, 'AccessDeniedException', { age: '1' })],
    ['a Date that is none', { ...awsError('AccessDeniedException'), headers: { date: 'yesterday' } }],
    ['an empty Date', { ...awsError('AccessDeniedException'), headers: { date: '' } }],
  ])('is left alone: %s', async (_, answer) => {
    const client = openTestClient(stub().endpoint, { clock })
    stub().answer(answer)
    await rejectionOf(client.send('GetItem', someKey))
    expect(stub().requests).toHaveLength(1)
    expect(client.clock.now()).toBe(nowMs)
  })

  test('is left alone where that is asked for', async () => {
    const client = openTestClient(stub().endpoint, { clock, correctsClockSkew: false })
    stub().answer(errorAt(10, 'RequestTimeTooSkewed'))
    expect(await rejectionOf(client.send('GetItem', someKey))).toBeInstanceOf(ClockSkewError)
    expect(stub().requests).toHaveLength(1)
  })

  test('that was put right decides when sessions expire', async () => {
    const store = new SessionStore({
      region: testRegion,
      endpoint: stub().endpoint,
      credentials: testCredentials,
      hashIds: false,
      clock,
    })
    const expiresMs = nowMs + 300_000
    const stored = {
      id: { S: 'a' },
      data: { S: '{}' },
      expires: { N: '0' },
      expiresMs: { N: String(expiresMs) },
    }
    stub().answer({ body: { Item: stored } })
    expect(await store.read('a')).toBeDefined()
    stub().answer(errorAt(10, 'RequestTimeTooSkewed'), { body: { Item: stored } })
    expect(await store.read('a')).toBeUndefined()
    await store.close()
  })
})

describe('the time that processes share', () => {
  test('follows the dates of answers, and the time that requests are signed with does not', async () => {
    const client = openTestClient(stub().endpoint, { clock })
    const date = new Date(nowMs + 20_000).toUTCString()
    stub().answer({ statusCode: 200, body: '{}', headers: { date } })
    await client.send('GetItem', someKey)
    expect(client.clock.serverNow()).toMatchObject({ isKnown: true })
    const { earliestMs, latestMs } = client.clock.serverNow()
    expect(Math.abs(earliestMs - nowMs - 20_000)).toBeLessThan(60_000)
    expect(latestMs).toBeGreaterThanOrEqual(nowMs + 20_000)
    expect(client.clock.now()).toBe(nowMs)
  })

  test('does not follow a date that a cache has kept', async () => {
    const client = openTestClient(stub().endpoint, { clock })
    const date = new Date(nowMs + 20_000).toUTCString()
    stub().answer({ statusCode: 200, body: '{}', headers: { date, age: '1' } })
    await client.send('GetItem', someKey)
    expect(client.clock.serverNow()).toEqual({ earliestMs: nowMs, latestMs: nowMs, isKnown: false })
  })
})

describe('credentials that AWS rejects', () => {
  test.each(['ExpiredTokenException', 'ExpiredToken', 'UnrecognizedClientException', 'InvalidClientTokenId'])(
    'are replaced once, and the call is sent again: %s',
    async code => {
      const credentials = cachedProvider(rotating(testCredentials, other), { clock, random: () => 0 })
      const client = openTestClient(stub().endpoint, { clock, credentials, maxAttempts: 1 })
      stub().answer(awsError(code), {})
      await client.send('GetItem', someKey)
      await client.send('GetItem', someKey)
      expect(accessKeyIds()).toEqual([testCredentials.accessKeyId, other.accessKeyId, other.accessKeyId])
    },
  )

  test('are asked for once by many calls at a time', async () => {
    let asked = 0
    const provider = async (): Promise<Credentials> => (asked++ === 0 ? testCredentials : other)
    const client = openTestClient(stub().endpoint, {
      credentials: cachedProvider(provider, { clock, random: () => 0 }),
    })
    stub().answer(request =>
      request.headers.authorization?.includes(other.accessKeyId) === true
        ? {}
        : awsError('ExpiredTokenException'),
    )
    await Promise.all(Array.from({ length: 50 }, () => client.send('GetItem', someKey)))
    expect(asked).toBe(2)
  })

  test('are an error when the new ones are rejected too', async () => {
    const third = { ...other, accessKeyId: 'AKIDEXAMPLE000000003' }
    const credentials = cachedProvider(rotating(testCredentials, other, third), { clock, random: () => 0 })
    stub().answer(awsError('ExpiredTokenException'))
    const error = await rejectionOf(openTestClient(stub().endpoint, { credentials }).send('GetItem', someKey))
    expect(error).toBeInstanceOf(AccessDeniedError)
    expect(error).toMatchObject({ awsCode: 'ExpiredTokenException', attempts: 2 })
    expect(stub().requests).toHaveLength(2)
  })

  test('are an error at once when there are no others, or they cannot be had', async () => {
    for (const credentials of [() => testCredentials, failingToReplace]) {
      stub().answer(awsError('ExpiredTokenException'))
      const error = await rejectionOf(
        openTestClient(stub().endpoint, { credentials }).send('GetItem', someKey),
      )
      expect(error).toMatchObject({ awsCode: 'ExpiredTokenException', attempts: 1 })
      expect(stub().requests).toHaveLength(1)
    }
  })
})
