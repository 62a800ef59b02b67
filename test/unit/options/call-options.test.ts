import { afterAll, describe, expect, test } from 'vitest'

import { writeRows } from '../../../src/items/session-record.ts'
import { callRows, lockRows, touchRows } from '../../../src/options/call-options.ts'
import { isPositive, validateCallOptions } from '../../../src/internal/option.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { rejectionOf } from '../../support/failure.ts'

/** The error of options that are refused. */
function refusalOf(options: unknown, rows: object): Error | undefined {
  try {
    validateCallOptions(options as object, rows)
    return undefined
  } catch (error) {
    return error as Error
  }
}

describe('options of a call', () => {
  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['a signal', { signal: AbortSignal.timeout(1) }],
    ['a signal that is not there', { signal: undefined }],
  ])('are %s', (_, options) => {
    expect(refusalOf(options, callRows)).toBeUndefined()
  })

  test.each([
    ['ttl', writeRows, 'ttlSeconds'],
    ['expires', touchRows, 'expiresMs'],
    ['maxWait', lockRows, 'maxWaitMs'],
    ['Signal', callRows, 'signal'],
  ])('are not "%s", and the refusal says what was meant', (name, known: object, meant) => {
    expect(refusalOf({ [name]: undefined }, known)?.message).toBe(
      `this call has no option "${name}"; did you mean "${meant}"?`,
    )
  })

  test('that are like none are refused without a guess', () => {
    expect(refusalOf({ signal: undefined, consistent: true }, callRows)?.message).toBe(
      'this call has no option "consistent" (its options are: signal)',
    )
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a number', 60],
    ['a text', 'x'],
    ['an array', []],
  ])('are not %s', (_, options) => {
    expect(refusalOf(options, callRows)).toMatchObject({
      name: 'TypeError',
      code: 'INVALID_OPTION',
      message: 'the options of a call must be an object, or left out',
    })
  })

  test('are not a signal', () => {
    expect(refusalOf(AbortSignal.timeout(1), callRows)?.message).toContain('this call has no option "')
  })

  test.each([0, -1, Number.NaN, Infinity, -Infinity, '60', null, true, {}, [60], 60n])(
    'ttlSeconds cannot be %s',
    ttlSeconds => {
      expect(refusalOf({ ttlSeconds }, touchRows)).toMatchObject({
        name: 'TypeError',
        code: 'INVALID_OPTION',
        message: expect.stringContaining('"ttlSeconds" must be a positive number of seconds;') as string,
      })
    },
  )

  test.each([Number.NaN, Infinity, -Infinity, '60', null, new Date(), 60n])(
    'expiresMs cannot be %s',
    expiresMs => {
      expect(refusalOf({ expiresMs }, touchRows)).toMatchObject({
        name: 'TypeError',
        code: 'INVALID_OPTION',
        message: expect.stringContaining('"expiresMs" must be a time in epoch milliseconds;') as string,
      })
    },
  )
})

describe('a number of seconds', () => {
  test.each([1, 0.001, 86_400, Number.MAX_VALUE])('may be %s', value => {
    expect(isPositive(value)).toBe(true)
  })

  test.each([0, -0, -1, Number.NaN, Infinity, '1', null, undefined, {}, 1n])('cannot be %s', value => {
    expect(isPositive(value)).toBe(false)
  })
})

describe('SessionStore', () => {
  test.each(['destroyByUser', 'listByUser'] as const)(
    '%s without the option userId is refused, and does not find nothing',
    async method => {
      const store = new SessionStore({ region: 'eu-west-1' })
      const call = method === 'destroyByUser' ? store.destroyByUser('ada') : store.listByUser('ada').next()
      await expect(call).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`${method} needs the option "userId"`) as string,
      })
      await store.close()
    },
  )

  const store = new SessionStore<{ user?: string }>({
    region: 'eu-west-1',
    userId: ({ user }) => user,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    transport: {
      request: () => Promise.reject(new Error('a request was sent')),
      close: () => Promise.resolve(),
    },
  })
  afterAll(() => store.close())

  const calls: Readonly<Record<string, (options: object) => Promise<unknown>>> = {
    read: options => store.read('id', options),
    write: options => store.write('id', {}, options),
    touch: options => store.touch('id', options),
    destroy: options => store.destroy('id', options),
    lock: options => store.lock('id', options),
    destroyByUser: options => store.destroyByUser('ada', options),
    listByUser: options => store.listByUser('ada', options).next(),
    keys: options => store.keys(options).next(),
    records: options => store.records(options).next(),
    count: options => store.count(options),
    clear: options => store.clear(options),
  }

  test.each(Object.entries(calls))('%s refuses options that it does not know', async (_, call) => {
    expect(await rejectionOf(call({ sginal: undefined }))).toMatchObject({
      name: 'TypeError',
      code: 'INVALID_OPTION',
      message: expect.stringContaining('has no option "sginal"; did you mean "signal"?') as string,
    })
    const nothing: unknown = null
    expect(await rejectionOf(call(nothing as object))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test.each(Object.entries(calls))('%s takes its options', async (_, call) => {
    const reason = new Error('given up')
    expect(await rejectionOf(call({ signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  test.each([
    ['write', { ttl: 60 }, 'ttlSeconds'],
    ['touch', { ttl: 60 }, 'ttlSeconds'],
    ['destroyByUser', { excpt: 'id' }, 'except'],
    ['lock', { leaseSecs: 5 }, 'leaseSeconds'],
  ])('%s says what was meant', async (name, options, meant) => {
    expect(await rejectionOf(calls[name]?.(options) ?? Promise.resolve())).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`did you mean "${meant}"?`) as string,
    })
  })

  test.each<[string, object, string]>([
    ['lock', { renew: 'x' }, 'the option "renew" must be true or false'],
    [
      'lock',
      { maxWaitMs: '100' },
      '"maxWaitMs" must be a number of milliseconds from 0 to 600000; received a string',
    ],
    ['destroyByUser', { except: 42 }, 'the option "except" must be the ID or the record of a session'],
    ['destroyByUser', { except: new Set(['id']) }, 'or an array of them'],
    ['destroyByUser', { except: [undefined] }, 'a session ID must be a non-empty string'],
  ])('%s refuses a wrong value: %j', async (name, options, message) => {
    const error = await rejectionOf(calls[name]?.(options) ?? Promise.resolve())
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toHaveProperty('message', expect.stringContaining(message))
    expect(error).toHaveProperty('code', expect.stringContaining('INVALID_'))
  })
})
