import { setImmediate as nextTurn } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import { cachedProvider, nameProvider } from '../../../src/aws/credentials/cached-provider.ts'
import { CredentialsError } from '../../../src/errors.ts'
import type { CredentialProvider, Credentials, CredentialSource } from '../../../src/types.ts'
import { rejectionOf } from '../../support/failure.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { awsError } from '../../support/stub-dynamodb.ts'
import { openTestClient, someKey, testCredentials, useStub } from '../client/test-client.ts'
import { TraceRecorder } from './trace-recorder.ts'

const stub = useStub()
const minuteMs = 60_000
const aDuration = expect.any(Number) as number

function withClock(provider: CredentialProvider): { source: CredentialSource; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, source: cachedProvider(provider, { clock, random: () => 0 }) }
}

/** Credentials that last for an hour, by a clock that is known only later. */
function hourly(clock: () => ManualClock): CredentialProvider {
  return () => Promise.resolve({ ...testCredentials, expiration: new Date(clock().now() + 60 * minuteMs) })
}

describe('the channel "credentials"', () => {
  test('tells when a provider is asked, and why', async () => {
    const recorder = new TraceRecorder('credentials')
    const { source, clock }: { source: CredentialSource; clock: ManualClock } = withClock(hourly(() => clock))
    const startMs = clock.now()

    await source()
    await source()
    clock.advance(56 * minuteMs)
    await source()
    // What is asked in the background has to be heard of.
    await nextTurn()
    clock.advance(61 * minuteMs)
    const rejected = await source()
    await source({ rejected })

    expect(recorder.ended('credentials')).toEqual([
      { reason: 'missing', durationMs: aDuration, expiresAtMs: startMs + 60 * minuteMs },
      { reason: 'expiring', durationMs: aDuration, expiresAtMs: startMs + 116 * minuteMs },
      { reason: 'expired', durationMs: aDuration, expiresAtMs: startMs + 177 * minuteMs },
      { reason: 'rejected', durationMs: aDuration, expiresAtMs: startMs + 177 * minuteMs },
    ])
    expect(recorder.order.slice(0, 4)).toEqual([
      'credentials start',
      'credentials end',
      'credentials asyncStart',
      'credentials asyncEnd',
    ])
  })

  test('tells of one search that several calls share', async () => {
    const recorder = new TraceRecorder('credentials')
    const { source } = withClock(() => Promise.resolve(testCredentials))
    await Promise.all([source(), source(), source()])
    expect(recorder.ended('credentials')).toEqual([{ reason: 'missing', durationMs: aDuration }])
  })

  test('tells where they are from, when a chain has said so', async () => {
    const recorder = new TraceRecorder('credentials')
    const { source } = withClock(() => Promise.resolve(nameProvider({ ...testCredentials }, 'web identity')))
    await source()
    expect(recorder.ended('credentials')).toMatchObject([{ provider: 'web identity' }])
  })

  test('tells why there were none', async () => {
    const recorder = new TraceRecorder('credentials')
    const { source } = withClock(() =>
      Promise.reject(new CredentialsError('no AWS credentials; looked at: …')),
    )
    await rejectionOf(Promise.resolve(source()))
    expect(recorder.ended('credentials')).toEqual([
      {
        reason: 'missing',
        durationMs: aDuration,
        error: {
          name: 'CredentialsError',
          code: 'CREDENTIALS_UNAVAILABLE',
          awsCode: undefined,
          message: 'no AWS credentials; looked at: …',
        },
      },
    ])
  })

  test('is quiet when nobody is asked', async () => {
    const recorder = new TraceRecorder('credentials', 'operation')
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    expect(recorder.ended('operation')).toHaveLength(1)
    expect(recorder.ended('credentials')).toEqual([])
  })
})

test('credentials that AWS rejects are replaced within the call that met that', async () => {
  const recorder = new TraceRecorder('operation', 'attempt', 'credentials')
  const rotation: Credentials[] = [
    testCredentials,
    { accessKeyId: 'AKIDEXAMPLE000000002', secretAccessKey: 'b' },
  ]
  const credentials = cachedProvider(() => Promise.resolve(rotation.shift() ?? testCredentials), {
    clock: { now: () => Date.now() },
    random: Math.random,
  })
  stub().answer(awsError('ExpiredTokenException'), {})
  await openTestClient(stub().endpoint, { credentials }).send('GetItem', someKey)
  const begun = recorder.published.filter(({ event }) => event === 'start').map(({ channel }) => channel)
  expect(begun).toEqual(['operation', 'attempt', 'credentials', 'credentials', 'attempt'])
  expect(recorder.ended('credentials').map(({ reason }) => reason)).toEqual(['missing', 'rejected'])
  expect(recorder.ended('attempt')[1]).toMatchObject({ retryReason: 'credentials' })
})
