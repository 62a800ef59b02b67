import { inspect } from 'node:util'

import { describe, expect, onTestFinished, test } from 'vitest'

import { createTable } from '../../../src/table/index.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { Credentials } from '../../../src/types.ts'
import { connectionTo, engineRegion, engine, uniqueTableName } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { hashed } from '../../support/session-ids.ts'
import type { StubStep } from '../../support/stub-dynamodb.ts'
import { toArray } from '../../support/to-array.ts'
import { useStub } from '../client/test-client.ts'
import { TraceRecorder } from './trace-recorder.ts'

/*
 * G9: no credential, session ID, user ID or session data in what the channels publish, whatever happens.
 */

const stub = useStub()
const channels = ['operation', 'attempt', 'credentials', 'lock', 'conflict'] as const

const sessionId = 'MARKER-session-id-q7Wn'
const data = { user: 'MARKER-user-id-ada', 'MARKER-key-cart': 'MARKER-data-hunter2', count: 0 }
const credentials: Credentials = {
  accessKeyId: 'MARKERACCESSKEYID000',
  secretAccessKey: 'MARKER/secret/access/key/0123456789abcdef',
  sessionToken: 'MARKER-session-token-0123456789abcdef==',
}

/** Everything that a subscriber could print of what was published. */
function everythingPublished({ published }: TraceRecorder): string {
  return published
    .map(({ message, held }) => {
      return (
        inspect([message, held], { depth: Infinity, showHidden: true, getters: true }) + JSON.stringify(held)
      )
    })
    .join('\n')
}

function expectNoSecrets(recorder: TraceRecorder): void {
  const text = everythingPublished(recorder)
  expect(text).not.toMatch(/marker/i)
  expect(text).not.toContain(hashed(sessionId))
}

describe('on an engine', () => {
  test('the whole life of a session tells no secret on any channel', async () => {
    const recorder = new TraceRecorder(...channels)
    const clock = new ManualClock()
    const table = uniqueTableName()
    const connection = { ...connectionTo(engine), table }
    await createTable({ ...connection, userIndex: true })

    function open(
      options: Extract<SessionStoreOptions<typeof data>, { readonly layout?: 'native' | undefined }> = {},
    ): SessionStore<typeof data> {
      const store = new SessionStore<typeof data>({
        ...connection,
        credentials: () => Promise.resolve(credentials),
        userId: ({ user }) => user,
        hashIds: false,
        clock,
        ...options,
      })
      onTestFinished(() => store.close())
      return store
    }

    const store = open()
    const record = await store.write(sessionId, data, { ttlSeconds: 600 })
    await store.write(sessionId, { ...data, count: 1 }, { basis: record })
    const stale = await store.read(sessionId)
    await store.write(sessionId, { ...data, count: 2 }, { basis: await store.read(sessionId) })
    await open({ onConflict: 'merge' }).write(sessionId, { ...data, count: 3 }, { basis: stale })
    await rejectionOf(
      open({ onConflict: 'reject' }).write(sessionId, { ...data, count: 4 }, { basis: stale }),
    )
    const undecided = open({
      onConflict: ({ theirs }) => {
        throw new Error(`cannot decide about ${JSON.stringify(theirs)}`)
      },
    })
    await rejectionOf(undecided.write(sessionId, { ...data, count: 5 }, { basis: stale }))

    const lock = await store.lock(sessionId, { leaseSeconds: 10, renew: false })
    await rejectionOf(open().lock(sessionId, { maxWaitMs: 0 }))
    clock.advance(11_000)
    const second = await open().lock(sessionId)
    await rejectionOf(store.write(sessionId, { ...data, count: 6 }, { basis: lock?.record }))
    await second?.release()

    await store.touch(sessionId)
    expect(await toArray(store.listByUser(data.user))).toMatchObject([{ key: record.key }])
    expect(await store.destroyByUser(data.user)).toBe(1)
    await open({ hashIds: true }).write(sessionId, data)
    await rejectionOf(
      open({
        credentials: () => Promise.reject(new Error(`no such secret: ${credentials.secretAccessKey}`)),
      }).read(sessionId),
    )

    for (const channel of channels) expect(recorder.ended(channel)).not.toHaveLength(0)
    expect(recorder.ended('lock').map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['acquired', 'refused', 'lost']),
    )
    expect(recorder.ended('conflict').map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['merged', 'rejected', 'failed']),
    )
    expectNoSecrets(recorder)
  })
})

describe('a server that repeats what it was sent', () => {
  const steps: readonly (readonly [string, StubStep])[] = [
    [
      'in the message of an exception',
      ({ body, headers }) => ({
        statusCode: 400,
        body: { __type: 'ValidationException', message: body + JSON.stringify(headers) },
      }),
    ],
    [
      'in the name of an exception',
      ({ body }) => ({ statusCode: 400, body: { __type: body, message: body } }),
    ],
    ['while it throttles', ({ body }) => ({ statusCode: 429, body: { code: 'Throttling', message: body } })],
    ['instead of an answer', ({ body }) => ({ body: [body] })],
    ['as what was consumed', ({ body }) => ({ body: { ConsumedCapacity: { CapacityUnits: body } } })],
    [
      'with a token that has expired',
      ({ headers }) => ({
        statusCode: 400,
        body: {
          __type: 'ExpiredTokenException',
          message: `The token ${String(headers['x-amz-security-token'])} has expired`,
        },
      }),
    ],
  ]

  test.each(steps)('%s does not bring secrets into traces', async (_name, step) => {
    const recorder = new TraceRecorder(...channels)
    stub().answer(step)
    const store = new SessionStore({
      endpoint: stub().endpoint,
      region: engineRegion,
      credentials: () => Promise.resolve({ ...credentials }),
      hashIds: false,
      maxAttempts: 1,
    })
    onTestFinished(() => store.close())
    await Promise.allSettled([
      store.read(sessionId),
      store.write(sessionId, data),
      store.touch(sessionId),
      store.destroy(sessionId),
    ])
    expect(recorder.ended('operation')).toHaveLength(4)
    expectNoSecrets(recorder)
  })
})
