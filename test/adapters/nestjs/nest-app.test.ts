import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { UserTable } from '../../integration/users/user-table.ts'
import { engine } from '../../support/engines.ts'
import { PageVisitor, ServedApp, variablesFor } from '../served-app.ts'
import { isAppBuilt, serverOn } from './nest-app.ts'

const isBuilt = await isAppBuilt()

describe.runIf(isBuilt).each(['express', 'fastify'] as const)('an app of NestJS on %s', platform => {
  let table: UserTable
  let [app, other]: ServedApp[] = []

  beforeAll(async () => {
    table = await UserTable.create(engine)
    const server = serverOn(platform)
    ;[app, other] = await Promise.all([
      ServedApp.start(server, variables()),
      ServedApp.start(server, variables()),
    ])
  })

  afterAll(async () => {
    await Promise.all([app?.close(), other?.close()])
  })

  // @fastify/session wants a longer one.
  const variables = (): Record<string, string> => ({
    ...variablesFor(engine, table.name),
    SESSION_SECRET: 'a random text of at least 32 characters',
  })
  const url = (path: string, { origin } = app ?? { origin: '' }): string => origin + path

  async function signedIn(user = 'ada', visitor = new PageVisitor()): Promise<PageVisitor> {
    const answer = await visitor.send(url('/sign-in'), new URLSearchParams({ user }))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    return visitor
  }

  /** What a gateway says to a visitor, or the code with which it closes the connection. */
  function greeting(visitor: PageVisitor): Promise<string> {
    const socket = new WebSocket(url('/chat').replace('http', 'ws'), {
      headers: { cookie: `session=${visitor.cookie}` },
    })
    const outcome = new Promise<string>((resolve, reject) => {
      socket.on('message', (message: Buffer) => resolve(message.toString()))
      socket.on('close', code => resolve(String(code)))
      socket.on('error', reject)
    })
    return outcome.finally(() => socket.terminate())
  }

  test('signs in under a new ID and redirects; a second process has the same sessions', async () => {
    const visitor = new PageVisitor()
    await visitor.open(url('/'))
    const before = visitor.cookie
    await signedIn('grace', visitor)
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.open(url('/', other))).text).toBe('{"user":"grace","visits":1}')
    expect((await visitor.open(url('/'))).text).toBe('{"user":"grace","visits":2}')
    expect((await new PageVisitor(before).open(url('/'))).text).toBe('{"visits":1}')
  })

  test('signs out, for every process', async () => {
    const visitor = await signedIn()
    expect((await visitor.send(url('/sign-out'), new URLSearchParams())).status).toBe(303)
    expect((await new PageVisitor(visitor.cookie).open(url('/', other))).text).toBe('{"visits":1}')
  })

  test('signs a user out everywhere', async () => {
    const visitors = [await signedIn('joan'), await signedIn('joan')]
    const answer = await new PageVisitor().open(url('/sessions/joan'), { method: 'DELETE' })
    expect(answer.text).toBe('2')
    for (const visitor of visitors) expect((await visitor.open(url('/'))).text).toBe('{"visits":1}')
  })

  test.runIf(platform === 'express')('gives a gateway the session of the visitor', async () => {
    expect(await greeting(await signedIn())).toBe('hello ada')
    expect(await greeting(new PageVisitor('unknown'))).toBe('4401')
  })

  test('ends by itself when it is told to, its store closed', async () => {
    const ending = await ServedApp.start(serverOn(platform), variables())
    await new PageVisitor().open(url('/', ending))
    await expect(ending.close()).resolves.toBeUndefined()
  })
})
