import { inspect } from 'node:util'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { cachedProvider } from '../../../../src/aws/credentials/cached-provider.ts'
import { CredentialsError } from '../../../../src/errors.ts'
import { isCredentials } from '../../../../src/aws/sigv4/sign.ts'
import { type Deferred, deferred } from '../../../../src/internal/timers.ts'
import type { Credentials, CredentialSource } from '../../../../src/types.ts'
import { rejectionOf } from '../../../support/failure.ts'

const seconds = 1000
const minutes = 60 * seconds
const startMs = Date.UTC(2026, 10, 23)

/** A cached provider around one that answers when the test says so, and a clock that the test moves. */
class Fixture {
  nowMs = startMs
  random = 0
  readonly calls: Deferred<unknown>[] = []
  readonly provide: CredentialSource = cachedProvider(
    () => {
      const call = deferred<unknown>()
      this.calls.push(call)
      return call.promise as Promise<Credentials>
    },
    { clock: { now: () => this.nowMs }, random: () => this.random },
  )

  /** Makes a call whose outcome does not matter. */
  begin(): void {
    Promise.resolve(this.provide()).catch(() => undefined)
  }

  /** Makes 200 calls at once. */
  provideToMany(): Promise<Credentials>[] {
    return Array.from({ length: 200 }, () => Promise.resolve(this.provide()))
  }

  /** Moves the clock to a moment before the expiry of the first credentials, which last an hour. */
  beforeExpiry(ms: number): void {
    this.nowMs = startMs + 60 * minutes - ms
  }

  /** Settles the latest call of the provider and lets everybody hear of it. */
  async answer(credentials: unknown): Promise<void> {
    this.calls.at(-1)?.resolve(credentials)
    await settled()
  }

  /** Fails the latest call of the provider. */
  async fail(error: unknown): Promise<void> {
    this.calls.at(-1)?.reject(error)
    await settled()
  }
}

/** A fixture that holds credentials which last an hour. */
async function holding(first: Credentials = key('FIRST', startMs + 60 * minutes)): Promise<Fixture> {
  const fixture = new Fixture()
  const call = fixture.provide()
  await fixture.answer(first)
  expect(await call).toBe(first)
  return fixture
}

function key(accessKeyId: string, expiresMs?: number): Credentials {
  return {
    accessKeyId,
    secretAccessKey: 'secret',
    ...(expiresMs !== undefined && { expiration: new Date(expiresMs) }),
  }
}

/** `performance.now()` goes by `vi.advanceTimersByTime`: how long something takes is nothing that a clock is asked for. */
function useFakeInstants(): void {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

async function settled(): Promise<void> {
  await new Promise(resolve => {
    setImmediate(resolve)
  })
}

describe('the first call', () => {
  test('asks the provider, and not before', async () => {
    const fixture = new Fixture()
    expect(fixture.calls).toHaveLength(0)
    const call = fixture.provide()
    expect(fixture.calls).toHaveLength(1)
    const credentials = key('A')
    await fixture.answer(credentials)
    expect(await call).toBe(credentials)
  })

  test('is shared by 200 callers at once', async () => {
    const fixture = new Fixture()
    const calls = fixture.provideToMany()
    const credentials = key('A')
    await fixture.answer(credentials)
    expect(new Set(await Promise.all(calls))).toEqual(new Set([credentials]))
    expect(fixture.calls).toHaveLength(1)
  })

  test('fails for all who wait, and the failure is not remembered', async () => {
    const fixture = new Fixture()
    const problem = new Error('no network')
    const calls = Array.from({ length: 5 }, () => rejectionOf(fixture.provide()))
    await fixture.fail(problem)
    expect(await Promise.all(calls)).toEqual([problem, problem, problem, problem, problem])

    const next = fixture.provide()
    expect(fixture.calls).toHaveLength(2)
    await fixture.answer(key('B'))
    expect(await next).toEqual(key('B'))
  })

  test('takes a provider that answers or throws without a promise', async () => {
    const answers = [
      () => {
        throw new Error('not yet')
      },
      () => key('SYNC'),
    ]
    const provide = cachedProvider(() => answers.shift()?.() ?? key('LATER'), {
      clock: { now: () => startMs },
      random: () => 0,
    })
    expect(await rejectionOf(provide())).toMatchObject({ message: 'not yet' })
    expect(await provide()).toEqual(key('SYNC'))
    expect(provide()).toEqual(key('SYNC'))
  })

  test('that never ends does not stand in the way of later ones for good', async () => {
    useFakeInstants()
    const fixture = new Fixture()
    const hung = fixture.provide()
    vi.advanceTimersByTime(14 * seconds)
    fixture.begin()
    expect(fixture.calls).toHaveLength(1)

    vi.advanceTimersByTime(1 * seconds)
    const next = fixture.provide()
    expect(fixture.calls).toHaveLength(2)
    await fixture.answer(key('B', startMs + 60 * minutes))
    expect(await next).toMatchObject({ accessKeyId: 'B' })

    // What the first call brings after all is for those who wait for it, and does not replace what is newer.
    fixture.calls[0]?.resolve(key('A', startMs + 30 * minutes))
    expect(await hung).toMatchObject({ accessKeyId: 'A' })
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'B' })
  })
})

test('a clock that is set back does not make later calls share one that hangs', () => {
  useFakeInstants()
  const fixture = new Fixture()
  fixture.begin()
  fixture.nowMs -= 60 * minutes
  vi.advanceTimersByTime(15 * seconds)
  fixture.begin()
  expect(fixture.calls).toHaveLength(2)
})

describe('a slow provider', () => {
  test('is heard when it answers after another call was begun', async () => {
    useFakeInstants()
    const fixture = new Fixture()
    const slow = fixture.provide()
    vi.advanceTimersByTime(15 * seconds)
    fixture.begin()
    fixture.calls[0]?.resolve(key('SLOW', startMs + 60 * minutes))
    expect(await slow).toMatchObject({ accessKeyId: 'SLOW' })
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'SLOW' })

    await fixture.answer(key('SECOND', startMs + 50 * minutes))
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'SECOND' })
  })

  test('that fails after another call was begun does not disturb that one', async () => {
    useFakeInstants()
    const fixture = new Fixture()
    const slow = rejectionOf(fixture.provide())
    vi.advanceTimersByTime(15 * seconds)
    const next = fixture.provide()
    const problem = new Error('timed out')
    fixture.calls[0]?.reject(problem)
    expect(await slow).toBe(problem)
    fixture.begin()
    expect(fixture.calls).toHaveLength(2)
    await fixture.answer(key('SECOND', startMs + 60 * minutes))
    expect(await next).toMatchObject({ accessKeyId: 'SECOND' })
  })
})

describe('credentials at hand', () => {
  test('are kept for good when they do not expire', async () => {
    const forever = key('FOREVER')
    const fixture = await holding(forever)
    fixture.nowMs += 1000 * 365 * 24 * 60 * minutes
    // Without a promise: a request need not wait.
    expect(fixture.provide()).toBe(forever)
    expect(fixture.calls).toHaveLength(1)
  })

  test('are given out without asking until five minutes before they expire', async () => {
    const fixture = await holding()
    for (const beforeMs of [60 * minutes, 30 * minutes, 5 * minutes + 1]) {
      fixture.beforeExpiry(beforeMs)
      expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    }
    expect(fixture.calls).toHaveLength(1)
  })

  test('are refreshed up to half a minute later, by chance, so that processes do not ask together', async () => {
    const fixture = new Fixture()
    fixture.random = 0.5
    fixture.begin()
    await fixture.answer(key('FIRST', startMs + 60 * minutes))
    fixture.beforeExpiry(5 * minutes - 15 * seconds + 1)
    fixture.begin()
    expect(fixture.calls).toHaveLength(1)
    fixture.beforeExpiry(5 * minutes - 15 * seconds)
    fixture.begin()
    expect(fixture.calls).toHaveLength(2)
  })
})

describe('in the last five minutes', () => {
  test('callers get what is at hand while one call of the provider is under way', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(5 * minutes)
    const given = Array.from({ length: 200 }, () => fixture.provide())
    expect(new Set(given).size).toBe(1)
    expect(given[0]).toMatchObject({ accessKeyId: 'FIRST' })
    expect(fixture.calls).toHaveLength(2)

    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'SECOND' })
    expect(fixture.calls).toHaveLength(2)
  })

  test('a failure is nobody’s business, and the next attempt comes half a minute later', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(5 * minutes)
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    await fixture.fail(new Error('no network'))

    fixture.nowMs += 30 * seconds - 1
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    expect(fixture.calls).toHaveLength(2)

    fixture.nowMs += 1
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    expect(fixture.calls).toHaveLength(3)
    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'SECOND' })
  })

  test('an answer that is no credentials counts as a failure', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(5 * minutes)
    fixture.begin()
    await fixture.answer({ accessKeyId: 'BROKEN' })
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    expect(fixture.calls).toHaveLength(2)
  })
})

describe('in the last minute', () => {
  test('callers wait for the provider, together', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(1 * minutes + 1)
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    fixture.beforeExpiry(1 * minutes)
    expect(fixture.provide()).toBeInstanceOf(Promise)
    const calls = fixture.provideToMany()
    expect(fixture.calls).toHaveLength(2)
    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(new Set((await Promise.all(calls)).map(({ accessKeyId }) => accessKeyId))).toEqual(
      new Set(['SECOND']),
    )
  })

  test('credentials that are still valid are better than an error', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(1 * minutes)
    const call = fixture.provide()
    await fixture.fail(new Error('no network'))
    expect(await call).toMatchObject({ accessKeyId: 'FIRST' })

    // The pause after a failure holds here as well: nobody has to wait for what has just failed.
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'FIRST' })
    expect(fixture.calls).toHaveLength(2)
  })

  test('credentials that are still valid are better than waiting for a provider that hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const fixture = await holding()
    fixture.beforeExpiry(1 * minutes)
    const call = Promise.resolve(fixture.provide())
    const late = Promise.resolve(fixture.provide())
    await vi.advanceTimersByTimeAsync(1000)
    expect(await call).toMatchObject({ accessKeyId: 'FIRST' })
    expect(await late).toMatchObject({ accessKeyId: 'FIRST' })

    const expired = Promise.resolve(fixture.provide())
    fixture.beforeExpiry(0)
    await vi.advanceTimersByTimeAsync(1000)
    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(await expired).toMatchObject({ accessKeyId: 'SECOND' })
    expect(fixture.calls).toHaveLength(2)
  })

  test('credentials that expire while the provider fails are not given out', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(1 * seconds)
    const call = rejectionOf(fixture.provide())
    fixture.beforeExpiry(0)
    const problem = new Error('no network')
    await fixture.fail(problem)
    expect(await call).toBe(problem)
  })

  test('expired credentials are not given out, even in the pause after a failure', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(10 * seconds)
    fixture.begin()
    await fixture.fail(new Error('no network'))

    fixture.beforeExpiry(0)
    const problem = new Error('still no network')
    const call = rejectionOf(fixture.provide())
    expect(fixture.calls).toHaveLength(3)
    await fixture.fail(problem)
    expect(await call).toBe(problem)

    const next = fixture.provide()
    expect(fixture.calls).toHaveLength(4)
    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(await next).toMatchObject({ accessKeyId: 'SECOND' })
  })
})

describe('credentials that AWS has rejected', () => {
  test('are asked for again, once by all who were rejected with them', async () => {
    const fixture = await holding()
    const rejected = await fixture.provide()
    const calls = Array.from({ length: 200 }, () => Promise.resolve(fixture.provide({ rejected })))
    expect(fixture.calls).toHaveLength(2)
    await fixture.answer(key('SECOND', startMs + 60 * minutes))
    expect(new Set((await Promise.all(calls)).map(({ accessKeyId }) => accessKeyId))).toEqual(
      new Set(['SECOND']),
    )
    expect(fixture.provide()).toMatchObject({ accessKeyId: 'SECOND' })
    expect(fixture.calls).toHaveLength(2)
  })

  test('and replaced since are no reason to ask again', async () => {
    const fixture = await holding()
    fixture.beforeExpiry(5 * minutes)
    const rejected = await fixture.provide()
    await fixture.answer(key('SECOND', startMs + 120 * minutes))
    expect(fixture.provide({ rejected })).toMatchObject({ accessKeyId: 'SECOND' })
    expect(fixture.calls).toHaveLength(2)
  })

  test('are not given out again when there are no others to be had', async () => {
    const fixture = await holding()
    const rejected = await fixture.provide()
    const problem = new Error('no network')
    const call = rejectionOf(fixture.provide({ rejected }))
    await fixture.fail(problem)
    expect(await call).toBe(problem)

    const next = fixture.provide()
    expect(fixture.calls).toHaveLength(3)
    await fixture.answer(key('SECOND'))
    expect(await next).toMatchObject({ accessKeyId: 'SECOND' })
  })
})

describe('what a provider returns', () => {
  const valid = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

  test.each<[unknown]>([
    [valid],
    [{ ...valid, sessionToken: 'token' }],
    [{ ...valid, sessionToken: undefined, expiration: undefined }],
    [{ ...valid, expiration: new Date(0) }],
    [{ ...valid, accountId: '123456789012', credentialScope: 'extra', $source: {} }],
  ])('may be %j', value => {
    expect(isCredentials(value)).toBe(true)
  })

  const invalid: readonly [unknown][] = [
    [undefined],
    [null],
    ['AKID:secret'],
    [7],
    [[]],
    [{}],
    [{ accessKeyId: 'AKID' }],
    [{ secretAccessKey: 'S3CRET' }],
    [{ ...valid, accessKeyId: '' }],
    [{ ...valid, secretAccessKey: '' }],
    [{ ...valid, secretAccessKey: 7 }],
    [{ ...valid, accessKeyId: 'AKID\r\nhost: evil.example' }],
    [{ ...valid, secretAccessKey: 'S3CRET ' }],
    [{ ...valid, secretAccessKey: 'S3CRÉT' }],
    [{ ...valid, sessionToken: '' }],
    [{ ...valid, sessionToken: 'S3CRET\n' }],
    [{ ...valid, sessionToken: 7 }],
    [{ ...valid, expiration: '2026-11-23T00:00:00Z' }],
    [{ ...valid, expiration: startMs }],
    [{ ...valid, expiration: new Date(Number.NaN) }],
  ]

  test.each(invalid)('cannot be %j', async value => {
    expect(isCredentials(value)).toBe(false)
    const fixture = new Fixture()
    const call = rejectionOf(fixture.provide())
    await fixture.answer(value)
    const error = await call
    expect(error).toBeInstanceOf(CredentialsError)
    expect((error as Error).message).toBe(
      'the credential provider did not return an object with non-empty strings accessKeyId and secretAccessKey (and, ' +
        'optionally, sessionToken and a Date expiration)',
    )
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('S3CR')

    fixture.begin()
    expect(fixture.calls).toHaveLength(2)
  })
})

test.each([null, undefined, 'S3CR'])(
  'a provider that throws %j fails calls with an error of ours',
  async reason => {
    const fixture = new Fixture()
    const call = rejectionOf(fixture.provide())
    await fixture.fail(reason)
    const error = await call
    expect(error).toBeInstanceOf(CredentialsError)
    expect(error).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      message: 'the credential provider threw something that is not an Error; see the cause',
      cause: reason,
    })
  },
)
