import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { SessionStore, type SessionStoreOptions } from '../../src/index.ts'
import { runCli } from '../integration/cli/command-line.ts'
import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { engine, engineCredentials } from '../support/engines.ts'
import { rejectionOf } from '../support/failure.ts'
import { GlobalTable } from '../support/global-table.ts'
import { newId } from '../support/session-ids.ts'

const OF_USERS: SessionStoreOptions = { userId: data => data['user'] as string }
const REGIONS = ['us-east-1', 'us-west-2']

let table: GlobalTable
let id: string

beforeEach(async () => {
  table = await GlobalTable.start(engine)
  id = newId()
  return () => table.close()
})

/** A store whose own Region is one of the two, and that goes on in the other. */
function storeIn(region: 0 | 1, options: SessionStoreOptions = {}): SessionStore {
  const other = 1 - region
  const store = new SessionStore({
    table: table.name,
    region: REGIONS[region],
    endpoint: table.endpoints[region],
    failover: {
      regions: [{ region: REGIONS[other] ?? '', endpoint: table.endpoints[other] }],
      attemptTimeoutMs: 10_000,
      returnAfterSeconds: 3600,
    },
    credentials: engineCredentials,
    connectTimeoutMs: 30_000,
    attemptTimeoutMs: 30_000,
    deadlineMs: 50_000,
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

/** Runs a command with the environment of a store whose own Region is the first one. */
async function runCommand(...args: readonly string[]): Promise<string> {
  const [endpoint = '', elsewhere = ''] = table.endpoints
  const environment = {
    ...engineEnvironment({ endpoint }),
    AWS_REGION: REGIONS[0] ?? '',
    DYNAMODB_SESSIONS_TABLE: table.name,
    DYNAMODB_SESSIONS_FAILOVER: `${REGIONS[1]}=${elsewhere}`,
  }
  const { exitCode, stdout, stderr } = await runCli(args, { environment })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return stdout
}

describe('a session that was destroyed in one Region', () => {
  test('is not brought back by a save in the other that had it loaded, before anything is replicated', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    await here.write(id, { user: 'ada' })
    await table.deliver()
    const loaded = await there.read(id)
    table.lagMs = Infinity
    await here.destroy(id)
    expect(await there.write(id, { user: 'ada', late: true }, { basis: loaded })).toBeUndefined()
    expect(await there.touch(id)).toBe(false)
    expect(await there.read(id)).toBeUndefined()
    await table.deliver()
    expect(await here.read(id)).toBeUndefined()
    expect(await there.read(id)).toBeUndefined()
  })

  test('is not brought back by a save before, which arrives late', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    await here.write(id, { user: 'ada' })
    await table.deliver()
    table.lagMs = Infinity
    await there.write(id, { user: 'ada', late: true }, { basis: await there.read(id) })
    await here.destroy(id)
    await table.deliver()
    expect(await here.read(id)).toBeUndefined()
    expect(await there.read(id)).toBeUndefined()
  })

  test('is not there any more when it had not been replicated yet', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    table.lagMs = Infinity
    await here.write(id, { user: 'ada' })
    await there.destroy(id)
    await table.deliver()
    expect(await here.read(id)).toBeUndefined()
    expect(await there.read(id)).toBeUndefined()
  })

  test('leaves a gravestone for a day in both, which no one sees, and which makes way for a new session', async () => {
    const store = storeIn(0)
    await store.write(id, { user: 'ada' })
    await store.destroy(id)
    await table.deliver()
    for (const region of [0, 1]) {
      const [, until] = /"lateUntil":\{"N":"(\d+)"\}/.exec(JSON.stringify(await table.items(region))) ?? []
      expect(Number(until) - Date.now() / 1000).toBeGreaterThan(86_000)
    }
    expect(await store.count()).toBe(0)
    expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
    await store.write(id, { user: 'bob' })
    expect((await store.read(id))?.data).toEqual({ user: 'bob' })
  })
})

describe('sessions that are destroyed otherwise', () => {
  const destroys = {
    destroyByUser: async (store: SessionStore) => {
      expect(await store.destroyByUser('ada')).toBe(1)
    },
    clear: (store: SessionStore) => store.clear(),
    'the command destroy': async () => {
      expect(await runCommand('destroy', id)).toContain('destroyed')
    },
    'the command destroy --user': async () => {
      expect(await runCommand('destroy', '--user', 'ada')).toContain('1 session destroyed')
    },
  }

  test.each(Object.entries(destroys))(
    'are not brought back by a save in the other Region, either: %s',
    async (_, destroy) => {
      const [here, there] = [storeIn(0, OF_USERS), storeIn(1, OF_USERS)]
      await here.write(id, { user: 'ada' })
      await table.deliver()
      const loaded = await there.read(id)
      table.lagMs = Infinity
      await destroy(here)
      expect(await there.write(id, { user: 'ada', late: true }, { basis: loaded })).toBeUndefined()
      await table.deliver()
      expect(await here.read(id)).toBeUndefined()
      expect(await there.read(id)).toBeUndefined()
      expect(await here.count()).toBe(0)
    },
  )
})

describe('a session that was given a new ID in one Region', () => {
  const movedTo = newId()

  test.each([
    ['and was replicated before', true],
    ['and had not been replicated yet', false],
  ])('does not live on under the old one in the other, %s', async (_, isReplicated) => {
    const [here, there] = [storeIn(0), storeIn(1)]
    if (!isReplicated) table.lagMs = Infinity
    const first = await here.write(id, { user: 'guest' })
    if (isReplicated) await table.deliver()
    table.lagMs = Infinity
    const loaded = isReplicated ? await there.read(id) : first
    const moved = await here.regenerate(first, movedTo, { data: { user: 'ada' } })
    expect(moved?.data).toEqual({ user: 'ada' })
    expect(await there.read(id)).toBeUndefined()
    expect(await there.write(id, { user: 'guest', late: true }, { basis: loaded })).toBeUndefined()
    expect(await there.touch(id)).toBe(false)
    await table.deliver()
    for (const store of [here, there]) {
      expect(await store.read(id)).toBeUndefined()
      expect((await store.read(movedTo))?.data).toEqual({ user: 'ada' })
      expect(await store.count()).toBe(1)
    }
  })

  test('is found from there by requests that had read it, once it has arrived', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    const first = await here.write(id, { user: 'guest' })
    await table.deliver()
    const loaded = await there.read(id)
    await here.regenerate(first, movedTo, { data: { user: 'ada' } })
    await table.deliver()
    await there.write(id, { user: 'guest', cart: ['apple'] }, { basis: loaded })
    await table.deliver()
    expect((await here.read(movedTo))?.data).toEqual({ user: 'ada', cart: ['apple'] })
  })

  test('leaves another session under the old ID in the other alone', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    table.lagMs = Infinity
    const first = await here.write(id, { user: 'guest' })
    await there.write(id, { user: 'bob' })
    await here.regenerate(first, movedTo, { data: { user: 'ada' } })
    expect((await there.read(id))?.data).toEqual({ user: 'bob' })
  })

  test('nor does it in a layout of other software, which has no marks', async () => {
    const layout = { layout: 'connect-dynamodb', partitionKey: 'id' } as const
    const [here, there] = [storeIn(0, layout), storeIn(1, layout)]
    const first = await here.write(id, { user: 'guest' })
    await table.deliver()
    table.lagMs = Infinity
    await here.regenerate(first, movedTo, { data: { user: 'ada' } })
    expect(await there.read(id)).toBeUndefined()
  })

  test('nor does one whose place a session of its own takes', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    const first = await here.write(id, { user: 'guest' })
    await table.deliver()
    const loaded = await there.read(id)
    table.lagMs = Infinity
    await here.retire(first)
    expect(await there.write(id, { user: 'guest', late: true }, { basis: loaded })).toBeUndefined()
    await table.deliver()
    expect(await here.count()).toBe(0)
  })
})

describe('a save in a Region that has not got what it is based on', () => {
  test.each(['merge', 'reject', 'overwrite'] as const)('keeps all of it (%s)', async onConflict => {
    const [here, there] = [storeIn(0), storeIn(1, { onConflict })]
    const first = await here.write(id, { cart: ['apple'], old: 1 })
    await table.deliver()
    table.lagMs = Infinity
    const newest = await here.write(id, { cart: ['apple', 'pear'], theme: 'dark' }, { basis: first })
    const saved = await there.write(id, { ...newest?.data, seen: true }, { basis: newest })
    expect(saved?.data).toEqual({ cart: ['apple', 'pear'], theme: 'dark', seen: true })
    await table.deliver()
    expect((await here.read(id))?.data).toEqual(saved?.data)
  })

  test('merges with what another process has made of the older version, and loses none of its own', async () => {
    const [here, there] = [storeIn(0), storeIn(1)]
    const first = await here.write(id, { a: 1 })
    await table.deliver()
    table.lagMs = Infinity
    await there.write(id, { a: 1, theirs: 1 }, { basis: await there.read(id) })
    const saved = await there.write(id, { a: 1, ours: 1 }, { basis: first })
    expect(saved?.data).toEqual({ a: 1, ours: 1, theirs: 1 })
  })
})

test('a lock is honoured in the other Region once it is replicated', async () => {
  const [here, there] = [storeIn(0), storeIn(1)]
  await here.write(id, { user: 'ada' })
  await table.deliver()
  const lock = await here.lock(id, { renew: false, leaseSeconds: 900 })
  await table.deliver()
  expect(await rejectionOf(there.lock(id, { maxWaitMs: 0 }))).toMatchObject({ code: 'SESSION_LOCKED' })
  await lock?.release()
  await table.deliver()
  const next = await there.lock(id, { maxWaitMs: 0 })
  expect(next?.isHeld).toBe(true)
  await next?.release()
})
