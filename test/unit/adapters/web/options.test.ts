import { inspect } from 'node:util'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { webSessions, type WebSessionsOptions } from '../../../../src/adapters/web.ts'
import { SessionStore } from '../../../../src/index.ts'
import type { SessionData } from '../../../../src/types.ts'

const secrets = ['a long enough secret']

afterEach(() => {
  vi.unstubAllEnvs()
})

function optionsOf(options: object): WebSessionsOptions<SessionData> {
  return options
}

describe('refused', () => {
  test.each([
    [{}, /"secrets" is missing \(or the environment variable DYNAMODB_SESSIONS_SECRETS\)/],
    [
      { secrets: undefined },
      /"secrets" is undefined: the variable that it comes from is not set; .*openssl rand/,
    ],
    [
      { secrets: [undefined] },
      /"secrets" must be .*; received an array with undefined in it: the variable that it comes from is not set$/,
    ],
    [
      { secrets, encryption: { keys: [undefined] } },
      /"encryption" .*keys\[0\] is undefined: the variable .* is not set$/,
    ],
    [{ secrets: [] }, /"secrets" must be/],
    [{ secrets: 'short' }, /"secrets" must be a string of at least 16 characters/],
    [
      { secrets: ['a long enough secret', 'short'] },
      /"secrets" must be .*; received an array: secrets\[1\] has 5 characters$/,
    ],
    [{ secrets: [Buffer.alloc(32)] }, /"secrets" must be/],
    [{ secret: 'a long enough secret' }, /there is no option "secret"; did you mean "secrets"\?/],
    [{ secrets, cookie: 'name' }, /"cookie" must be an object of cookie options/],
    [{ secrets, cookie: { secure: false } }, /no cookie option "secure": .* set "allowHttp"$/],
    [{ secrets, cookie: { maxAge: 60 } }, /no cookie option "maxAge": .*; set "ttlSeconds" beside "cookie"$/],
    [
      { secrets, cookie: { expires: 60 } },
      /no cookie option "expires": .*; set "ttlSeconds" beside "cookie"$/,
    ],
    [{ secrets, cookie: { httpOnly: true } }, /no cookie option "httpOnly": .* leave it out$/],
    [{ secrets, cookie: { sameSite: 'Lax' } }, /"sameSite" must be .*; did you mean lax\?$/],
    [{ secrets, cookieName: 'a' }, /there is no option "cookieName"; did you mean "cookie"\?$/],
    [{ secrets, rolling: 1 }, /"rolling" must be true or false/],
    [{ secrets, isFailure: 500 }, /"isFailure" must be a function; received the number 500/],
    [{ secrets, tableName: 'x' }, /there is no option "tableName"; did you mean "table"\?/],
    [{ secrets, store: {} }, /"store" must be a SessionStore/],
    [{ secrets, store: new SessionStore(), table: 'x' }, /"table" has no effect with a store of your own/],
    [{ secrets, store: new SessionStore(), tabel: 'x' }, /there is no option "tabel"/],
  ])('%j', (options, message) => {
    const make = (): unknown => webSessions(optionsOf(options))
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_OPTION' }))
  })

  test('without telling what was passed as a secret', () => {
    const options = optionsOf({ secrets: ['a long enough secret', 'hidden'] })
    expect(() => webSessions(options)).toThrow(/^(?!.*hidden).*"secrets"/s)
  })
})

describe('accepted', () => {
  test('secrets and settings from the environment', async () => {
    vi.stubEnv('DYNAMODB_SESSIONS_SECRETS', 'first-long-enough-secret second-long-enough-secret')
    vi.stubEnv('DYNAMODB_SESSIONS_ROLLING', 'false')
    const sessions = webSessions()
    expect(sessions.store).toBeInstanceOf(SessionStore)
    await sessions.close()
    vi.stubEnv('DYNAMODB_SESSIONS_SECRETS', 'first-long-enough-secret short')
    expect(() => webSessions()).toThrow(/environment variable DYNAMODB_SESSIONS_SECRETS must be/)
  })

  test('a store of the caller, which closing leaves open', async () => {
    const store = new SessionStore()
    const close = vi.spyOn(store, 'close')
    await webSessions({ store, secrets }).close()
    expect(close).not.toHaveBeenCalled()
    await using own = webSessions({ secrets })
    const closeOwn = vi.spyOn(own.store, 'close')
    await own.close()
    expect(closeOwn).toHaveBeenCalledTimes(1)
  })

  test('and their secrets do not show', () => {
    const sessions = webSessions({ secrets })
    expect(inspect(sessions, { depth: 10, showHidden: true })).not.toContain(secrets[0])
  })
})
