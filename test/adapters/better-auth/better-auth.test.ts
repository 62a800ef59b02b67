import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { describe, expect, test } from 'vitest'

import {
  type DynamoDBSecondaryStorage,
  dynamoDBSecondaryStorage,
  type DynamoDBSecondaryStorageOptions,
} from '../../../src/adapters/better-auth.ts'
import { engine } from '../../support/engines.ts'
import { hashed } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'
import { keyValueSubject } from '../unstorage/key-value-subject.ts'
import { AuthVisitor } from './auth-visitor.ts'

type Tables = Record<string, Record<string, unknown>[]>
type Settings = Omit<Parameters<typeof betterAuth>[0], 'secondaryStorage' | 'database'>

const WEEK_SECONDS = 7 * 86_400

/** Passwords are not what is tested, and hashing them takes a second. */
const password = {
  hash: async (text: string): Promise<string> => `hash of ${text}`,
  verify: async (given: { hash: string; password: string }): Promise<boolean> =>
    given.hash === `hash of ${given.password}`,
}

describe('better-auth with the secondary storage', () => {
  const subject = keyValueSubject(engine)
  let prefixes = 0

  function storage(options: DynamoDBSecondaryStorageOptions = {}): DynamoDBSecondaryStorage {
    return subject.closeLater(dynamoDBSecondaryStorage({ ...subject.options, ...options }))
  }

  /** What several servers of one app share. */
  function freshApp(): { readonly prefix: string; readonly tables: Tables } {
    return {
      prefix: `app-${prefixes++}:`,
      tables: { user: [], account: [], session: [], verification: [] },
    }
  }

  function server(
    { prefix, tables }: ReturnType<typeof freshApp>,
    options: DynamoDBSecondaryStorageOptions = {},
    settings: Settings = {},
  ): ReturnType<typeof betterAuth>['handler'] {
    const { handler } = betterAuth({
      baseURL: 'https://app.example',
      secret: 'a secret of these tests, long enough for it',
      database: memoryAdapter(tables),
      secondaryStorage: storage({ prefix, ...options }),
      emailAndPassword: { enabled: true, password },
      rateLimit: { enabled: false },
      telemetry: { enabled: false },
      logger: { disabled: true },
      ...settings,
    })
    return handler
  }

  test('sign up, session, sign out, sign in: on two servers', async () => {
    const app = freshApp()
    const ada = new AuthVisitor(server(app))
    expect((await ada.signUp('ada')).status).toBe(200)
    const elsewhere = ada.at(server(app))
    expect((await elsewhere.session())?.user.email).toBe('ada@example.com')
    expect(app.tables['session']).toEqual([])
    expect((await elsewhere.post('/sign-out')).status).toBe(200)
    expect(await ada.session()).toBeNull()
    expect((await ada.signIn('ada')).status).toBe(200)
    expect((await ada.session())?.user.email).toBe('ada@example.com')
  })

  test('a session is stored for as long as it lives, under the hash of its token', async () => {
    const app = freshApp()
    const ada = new AuthVisitor(server(app))
    const startedAtMs = Date.now()
    await ada.signUp('ada')
    const token = (await ada.session())?.session.token ?? ''
    const item = await subject.table.item(`${app.prefix}better-auth:${hashed(token)}`)
    const expiresMs = Number(numberText(item, 'expiresMs'))
    expect(expiresMs).toBeGreaterThan(startedAtMs + (WEEK_SECONDS - 5) * 1000)
    expect(expiresMs).toBeLessThanOrEqual(Date.now() + WEEK_SECONDS * 1000)
    expect(Number(numberText(item, 'expires'))).toBe(Math.ceil(expiresMs / 1000))
  })

  test('with encryption nothing in the table gives a token away', async () => {
    const app = freshApp()
    const ada = new AuthVisitor(server(app, { encryption: { keys: [Buffer.alloc(32, 1)] } }))
    await ada.signUp('ada')
    const token = (await ada.session())?.session.token ?? ''
    expect(token).not.toBe('')
    const stored = JSON.stringify(await subject.table.items(app.prefix))
    expect(stored).not.toContain(token)
    expect(stored).not.toContain('ada@example.com')
  })

  test('a user sees all sessions, and revokes the others', async () => {
    const app = freshApp()
    const [laptop, phone] = [new AuthVisitor(server(app)), new AuthVisitor(server(app))]
    await laptop.signUp('ada')
    await phone.signIn('ada')
    expect(await laptop.listSessions()).toHaveLength(2)
    expect((await laptop.post('/revoke-other-sessions')).status).toBe(200)
    expect([await laptop.session(), await phone.session()]).toEqual([expect.any(Object), null])
    expect(await laptop.listSessions()).toHaveLength(1)
  })

  test('parallel sign-ins on several servers all stay in the list (G2)', async () => {
    const app = freshApp()
    await new AuthVisitor(server(app)).signUp('ada')
    const devices = Array.from({ length: 4 }, () => new AuthVisitor(server(app)))
    await Promise.all(devices.map(device => device.signIn('ada')))
    const [device] = devices
    expect(await device?.listSessions()).toHaveLength(5)
  })

  test('a session that is signed out while another request extends it stays signed out (G3)', async () => {
    const app = freshApp()
    const ada = new AuthVisitor(server(app))
    await ada.signUp('ada')
    const token = (await ada.session())?.session.token ?? ''
    const key = `${app.prefix}better-auth:${hashed(token)}`
    // The extension has read the session for the last time, and is about to write it.
    let signedOut = 0
    const endpoint = await subject.losing(async ({ operation, input }) => {
      const isRead =
        operation === 'GetItem' && JSON.stringify(input['Key']) === JSON.stringify({ id: { S: key } })
      if (isRead && ++signedOut === 2) await ada.post('/sign-out')
      return false
    })
    const slow = ada.at(server(app, { endpoint: endpoint.url }, { session: { updateAge: 0 } }))
    await slow.session()
    expect(signedOut).toBeGreaterThanOrEqual(2)
    expect(await subject.table.item(key)).toBeUndefined()
    expect(await slow.session()).toBeNull()
  })

  test('a failed read is an error, and not somebody who is not signed in (G6)', async () => {
    const app = freshApp()
    const ada = new AuthVisitor(server(app))
    await ada.signUp('ada')
    const broken = ada.at(server(app, { table: 'missing-table' }))
    expect((await broken.get('/get-session')).status).toBe(500)
    expect((await ada.session())?.user.email).toBe('ada@example.com')
  })

  test('requests are limited across servers, and the window ends', async () => {
    const app = freshApp()
    const limited = {
      rateLimit: {
        enabled: true,
        storage: 'secondary-storage',
        customRules: { '/ok': { window: 60, max: 6 } },
      },
      advanced: { ipAddress: { ipAddressHeaders: ['x-client'] } },
    } satisfies Settings
    const startMs = Date.now()
    let nowMs = startMs
    const clock = { now: () => nowMs }
    const servers = Array.from({ length: 3 }, () => new AuthVisitor(server(app, { clock }, limited)))
    const visit = async (): Promise<number[]> => {
      const answers = await Promise.all(servers.flatMap(one => [1, 2, 3].map(() => one.get('/ok'))))
      return answers.map(({ status }) => status).toSorted((left, right) => left - right)
    }
    expect(await visit()).toEqual([...Array<number>(6).fill(200), ...Array<number>(3).fill(429)])
    nowMs = startMs + 59_999
    expect(await visit()).toEqual(Array<number>(9).fill(429))
    nowMs = startMs + 60_100
    expect(await visit()).toEqual([...Array<number>(6).fill(200), ...Array<number>(3).fill(429)])
  })

  test('a reset link works once, whichever servers it is sent to', async () => {
    const app = freshApp()
    let token = ''
    const settings = {
      emailAndPassword: {
        enabled: true,
        password,
        sendResetPassword: async (message: { token: string }): Promise<void> => {
          ;({ token } = message)
        },
      },
    }
    const servers = Array.from({ length: 4 }, () => new AuthVisitor(server(app, {}, settings)))
    const [first] = servers
    await first?.signUp('ada')
    await first?.post('/request-password-reset', { email: 'ada@example.com' })
    expect(token).not.toBe('')
    const answers = await Promise.all(
      servers.map(one => one.post('/reset-password', { token, newPassword: 'another password' })),
    )
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(3)
    expect((await new AuthVisitor(server(app)).signIn('ada', 'another password')).status).toBe(200)
  })
})
