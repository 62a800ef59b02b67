import { describe, expect, onTestFinished, test } from 'vitest'

import { Interruption } from '../../../src/cli/output.ts'
import { hashSessionId } from '../../../src/layouts/native.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { checkTable } from '../../../src/table/check-table.ts'
import { connectionTo, engine, uniqueTableName } from '../../support/engines.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import { SessionTable } from '../../support/session-table.ts'
import { type Finished, runCli, type Surroundings } from './command-line.ts'
import { engineEnvironment } from './engine-environment.ts'

interface Data {
  readonly user?: string
  readonly note?: string
}

describe('a command', () => {
  const environment = engineEnvironment(engine)
  const connection = connectionTo(engine)

  /** A new table that the command line has made, a store in it, and the command line for it. */
  async function setUp(
    options: Extract<SessionStoreOptions<Data>, { readonly layout?: 'native' | undefined }> = {},
  ): Promise<{
    table: string
    store: SessionStore<Data>
    cli: (args: readonly string[], surroundings?: Surroundings) => Promise<Finished>
  }> {
    const table = uniqueTableName()
    const cli = (args: readonly string[], surroundings: Surroundings = {}): Promise<Finished> => {
      const more = { DYNAMODB_SESSIONS_TABLE: table, ...surroundings.environment }
      return runCli(args, { ...surroundings, environment: { ...environment, ...more } })
    }
    const { exitCode, stderr } = await cli(['create-table', '--json'])
    if (exitCode !== 0) throw new Error(stderr)
    const store = new SessionStore<Data>({ ...connection, table, userId: ({ user }) => user, ...options })
    onTestFinished(() => store.close())
    return { table, store, cli }
  }

  describe('create-table', () => {
    test('creates a table as sessions need it, once', async () => {
      const table = uniqueTableName()
      const first = await runCli(['create-table', '--table', table], { environment })
      expect(first.exitCode).toBe(0)
      expect(first.stdout).toContain(`created table "${table}": on-demand billing, key "id" (S)`)
      const { findings } = await checkTable({ ...connection, table })
      expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
      const second = await runCli(['create-table', '--table', table, '--json'], { environment })
      expect(JSON.parse(second.stdout)).toMatchObject({ table, created: false })
    })

    test('takes billing, key and index as it is told', async () => {
      const table = uniqueTableName()
      const args = [
        '--table',
        table,
        '--billing',
        'provisioned',
        '--read-units',
        '7',
        '--partition-key',
        'sid',
        '--no-user-index',
      ]
      expect((await runCli(['create-table', ...args], { environment })).exitCode).toBe(0)
      const { state } = await checkTable({ ...connection, table, partitionKey: 'sid' })
      expect(state).toMatchObject({
        billing: { readCapacityUnits: 7, writeCapacityUnits: 5 },
        key: [{ name: 'sid', role: 'HASH', type: 'S' }],
        userIndex: undefined,
      })
    })

    test.each([
      ['connect-dynamodb', 'id', 'expires'],
      ['dynamodb-store', 'sessionId', 'expires'],
      ['serverless-dynamodb-session-store', 'sessionId', 'expireTime_TTL'],
      ['architect', '_idx', '_ttl'],
      ['adonis', 'key', undefined],
    ] as const)('makes the table of the layout %s', async (layout, partitionKey, ttlAttribute) => {
      const table = uniqueTableName()
      const args = ['create-table', '--table', table, '--layout', layout]
      const dry = await runCli([...args, '--dry-run'], { environment })
      expect(dry.stdout).toContain(
        `key "${partitionKey}" (S), ${ttlAttribute === undefined ? 'no time to live' : `time to live on "${ttlAttribute}"`}, no index`,
      )
      const { exitCode, stdout, stderr } = await runCli(args, { environment })
      expect(exitCode).toBe(0)
      expect(stdout).toContain(`key "${partitionKey}" (S)`)
      expect(stderr.includes('npx dynamodb-sessions gc --table')).toBe(ttlAttribute === undefined)
      const { state } = await checkTable({ ...connection, table, layout })
      expect(state).toMatchObject({
        key: [{ name: partitionKey, role: 'HASH', type: 'S' }],
        timeToLive: engine.supports.ttl && ttlAttribute !== undefined ? { attribute: ttlAttribute } : {},
        userIndex: undefined,
      })
      const store = new SessionStore<Data>({ ...connection, table, layout })
      await store.write('an-id', { note: 'x' })
      expect((await store.read('an-id'))?.data).toEqual({ note: 'x' })
      await store.close()
    })

    test('takes a partition key that is named beside the layout, unless the layout has another use for it', async () => {
      const table = uniqueTableName()
      const args = ['create-table', '--table', table, '--layout', 'architect', '--partition-key']
      expect((await runCli([...args, 'sid'], { environment })).exitCode).toBe(0)
      const { state } = await checkTable({ ...connection, table })
      expect(state?.key).toEqual([{ name: 'sid', role: 'HASH', type: 'S' }])
      const refused = await runCli([...args, '_ttl'], { environment })
      expect(refused.exitCode).toBe(2)
      expect(refused.stderr).toContain('--partition-key cannot be "_ttl"')
    })

    test('says with --dry-run what it would do, and does not', async () => {
      const table = uniqueTableName()
      const args = ['create-table', '--dry-run', '--table', table]
      const { exitCode, stdout } = await runCli(args, { environment })
      expect(exitCode).toBe(0)
      expect(stdout).toContain(
        `would create table "${table}": on-demand billing, key "id" (S), time to live on "expires"`,
      )
      expect((await checkTable({ ...connection, table })).state).toBeUndefined()
      const json = await runCli([...args, '--json'], { environment })
      expect(JSON.parse(json.stdout)).toMatchObject({ table, wouldCreate: true })
    })

    test('says with --dry-run what is wrong with a table that is there', async () => {
      const table = await SessionTable.create(engine, 'sid')
      const args = ['create-table', '--dry-run', '--table', table.name]
      const { exitCode, stdout } = await runCli(args, { environment })
      expect(exitCode).toBe(1)
      expect(stdout).toContain('fail: the key of table')
      expect(stdout).toContain('--partition-key')
      expect(JSON.parse((await runCli([...args, '--json'], { environment })).stdout)).toMatchObject({
        wouldCreate: false,
      })
    })

    test('fails for a table with another key, and warns of one without index', async () => {
      const other = await SessionTable.create(engine, 'sid')
      const failed = await runCli(['create-table', '--table', other.name], { environment })
      expect(failed.exitCode).toBe(1)
      expect(failed.stderr).toContain('--partition-key')
      const plain = await SessionTable.create(engine)
      const warned = await runCli(['create-table', '--table', plain.name], { environment })
      expect(warned.exitCode).toBe(0)
      expect(warned.stderr).toContain('warning: ')
      expect(warned.stderr).toContain('give --no-user-index')
    })
  })

  describe('list', () => {
    test('lists the sessions that are alive, by their hashes', async () => {
      const { store, cli } = await setUp()
      await store.write('SECRET-1', { user: 'SECRET-USER' })
      await store.write('SECRET-2', {})
      await store.write('SECRET-3', {}, { expiresMs: 1 })
      const { exitCode, stdout, stderr } = await cli(['list'])
      expect([exitCode, stderr]).toEqual([0, ''])
      const [title, ...rows] = lines(stdout)
      expect(title).toMatch(/^key +created +expires +in$/)
      expect(new Set(rows.map(row => row.split(' ')[0]))).toEqual(
        new Set(['SECRET-1', 'SECRET-2'].map(hashSessionId)),
      )
      expect(stdout).not.toContain('SECRET')
      const shown = await cli(['list', '--show-data'])
      expect(shown.stdout).toContain('SECRET-USER')
    })

    test('writes an object a line for scripts, and stops at the limit', async () => {
      const { store, cli } = await setUp()
      for (const id of ['a', 'b', 'c'])
        await store.write(id, { user: 'ada' }, { expiresMs: Date.UTC(2090, 0, 1) })
      const { stdout } = await cli(['list', '--json', '--limit', '2'])
      const listed = lines(stdout).map(line => JSON.parse(line) as Record<string, string>)
      expect(listed).toHaveLength(2)
      for (const { created = '', expires, ...rest } of listed) {
        expect(Date.parse(created)).toBeGreaterThan(Date.now() - 60_000)
        expect(expires).toBe('2090-01-01T00:00:00Z')
        expect(Object.keys(rest)).toEqual(['key'])
      }
      const withUser = await cli(['list', '--json', '--show-data', '--limit', '1'])
      expect(JSON.parse(withUser.stdout)).toMatchObject({ user: 'ada' })
    })

    test('lists the sessions of a user', async () => {
      const { store, cli } = await setUp()
      await store.write('a', { user: 'ada' })
      await store.write('b', { user: 'bob' })
      await expect
        .poll(async () => lines((await cli(['list', '--user', 'ada', '--json'])).stdout))
        .toHaveLength(1)
      const { stdout } = await cli(['list', '--user', 'ada', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ key: hashSessionId('a') })
    })

    test('keeps to its prefix, and hides session IDs that are stored as they are', async () => {
      const { store, cli } = await setUp({ prefix: 'shop:', hashIds: false })
      await store.write('SECRET-1', {})
      const { stdout } = await cli(['list', '--prefix', 'shop:', '--no-hash-ids', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({
        key: expect.stringMatching(/^shop:\(hidden \w{10}\)$/) as unknown,
      })
      const shown = await cli(['list', '--show-data', '--json'], {
        environment: { DYNAMODB_SESSIONS_PREFIX: 'shop:', DYNAMODB_SESSIONS_HASH_IDS: 'false' },
      })
      expect(JSON.parse(shown.stdout)).toMatchObject({ key: 'shop:SECRET-1' })
      const other = await cli(['list', '--prefix', 'blog:', '--no-hash-ids'])
      expect([other.exitCode, other.stdout]).toEqual([0, ''])
      expect(other.stderr).toMatch(
        /^there are no sessions of the layout "native" under the prefix "blog:" that are alive; /,
      )
      expect(other.stderr).not.toContain('SECRET')
    })

    test('takes an empty prefix for none, where the layout has another by default', async () => {
      const table = await SessionTable.create(engine)
      const store = new SessionStore<Data>({ ...table.options, layout: 'connect-dynamodb', prefix: '' })
      await store.write('an-id', {})
      await store.close()
      const args = ['list', '--table', table.name, '--layout', 'connect-dynamodb', '--json', '--show-data']
      expect((await runCli(args, { environment })).stdout).toBe('')
      for (const prefix of [['--prefix='], ['--prefix', '']]) {
        const { exitCode, stdout } = await runCli([...args, ...prefix], { environment })
        expect(exitCode).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ key: 'an-id' })
      }
    })

    test('does not let what others wrote act on the terminal', async () => {
      const { store, cli } = await setUp()
      await store.write('a', { user: 'ada\u001B[2J', note: '\u009B2J' })
      const listed = await cli(['list', '--show-data'], { isTerminal: true, environment: { NO_COLOR: '1' } })
      expect(listed.stdout).toContain(String.raw`ada\u{1b}[2J`)
      expect(listed.stdout).not.toContain('\u001B')
      const shown = await cli(['show', 'a', '--show-data'])
      expect(shown.stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    })

    test('fails with a reason and a way to find out more', async () => {
      const { exitCode, stdout, stderr } = await runCli(['list', '--table', uniqueTableName()], {
        environment,
      })
      expect([exitCode, stdout]).toEqual([1, ''])
      expect(stderr).toContain('does not exist')
      expect(stderr).toContain('dynamodb-sessions doctor')
      expect(stderr).not.toContain('    at ')
    })

    test('goes on after the last key that an interrupted list showed', async () => {
      const { store, cli } = await setUp()
      const ids = ['a', 'b', 'c', 'd', 'e']
      for (const id of ids) await store.write(id, {})
      const interruption = new AbortController()
      const first = await cli(['list', '--json'], {
        signal: interruption.signal,
        onWrite: () => interruption.abort(new Interruption('SIGINT')),
      })
      expect(first.exitCode).toBe(130)
      const [, last = ''] = /--after=(\S+)\ninterrupted\n$/.exec(first.stderr) ?? []
      expect(lines(first.stdout).map(keyIn)).toEqual([last])
      const rest = await cli(['list', '--json', `--after=${last}`])
      expect(rest).toMatchObject({ exitCode: 0, stderr: '' })
      const keys = [last, ...lines(rest.stdout).map(keyIn)]
      expect(keys.toSorted()).toEqual(ids.map(hashSessionId).toSorted())
      // A session that has ended meanwhile still has its place.
      await store.destroy('a')
      const left = await cli(['list', '--json', `--after=${hashSessionId('a')}`])
      expect(lines(left.stdout).map(keyIn)).toEqual(keys.slice(keys.indexOf(hashSessionId('a')) + 1))
    })

    test('does not name a session ID to go on after', async () => {
      const { store, cli } = await setUp({ hashIds: false })
      await store.write('SECRET-1', {})
      await store.write('SECRET-2', {})
      const interruption = new AbortController()
      const { stderr } = await cli(['list', '--no-hash-ids'], {
        signal: interruption.signal,
        onWrite: text => {
          if (text.includes('hidden')) interruption.abort(new Interruption('SIGINT'))
        },
      })
      expect(stderr).toBe(
        'until then: 1 session listed; with --show-data, it shows the keys that --after takes\ninterrupted\n',
      )
    })

    test('refuses --after with --user', async () => {
      const refused = await runCli(['list', '--user', 'ada', '--after', 'a'], { environment })
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
      expect(refused.stderr).toContain('--after does not go with --user')
    })
  })

  test.each([
    'list --partition-key sid',
    'gc --partition-key sid',
    'stats --partition-key sid',
    'list --user ada --partition-key sid',
    'destroy --user ada --partition-key sid',
    'migrate --from native --from-no-hash-ids --from-partition-key sid --dry-run',
  ])('%s says that the table has another key, and does not just find nothing', async line => {
    const { store, cli } = await setUp()
    await store.write('a', { user: 'ada' })
    const { exitCode, stdout, stderr } = await cli(line.split(' '))
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toContain('is not sid (HASH, S)')
    expect(stderr).toContain('--partition-key')
    expect(await store.count()).toBe(1)
  })

  describe('show', () => {
    test('shows everything but the data, which takes a word more', async () => {
      const { store, cli } = await setUp()
      await store.write('SECRET-ID', { user: 'SECRET-USER', note: 'SECRET-NOTE' })
      const { exitCode, stdout } = await cli(['show', 'SECRET-ID'])
      expect(exitCode).toBe(0)
      expect(stdout).toContain(hashSessionId('SECRET-ID'))
      expect(stdout).toMatch(/^data +2 keys, hidden; --show-data shows it$/m)
      expect(stdout).toMatch(/^expires +\S+Z \(in (?:23h 59m|1d)\)$/m)
      expect(stdout).not.toContain('SECRET')
      expect((await cli(['show', 'SECRET-ID', '--json'])).stdout).not.toContain('SECRET')
      const shown = await cli(['show', 'SECRET-ID', '--show-data'])
      expect(shown.stdout).toContain('"note": "SECRET-NOTE"')
      expect(shown.stdout).not.toContain('SECRET-ID')
      const json = await cli(['show', 'SECRET-ID', '--show-data', '--json'])
      expect(JSON.parse(json.stdout)).toMatchObject({
        live: true,
        storedAs: 'text',
        user: 'SECRET-USER',
        data: { note: 'SECRET-NOTE' },
      })
    })

    test('takes the ID from the standard input, and the key that list shows', async () => {
      const { store, cli } = await setUp()
      await store.write('--an ID', {})
      const byId = await cli(['show', '-'], { stdin: '--an ID\r\nsomething else\n' })
      expect(byId.exitCode).toBe(0)
      const [line = ''] = lines((await cli(['list', '--json'])).stdout)
      const { key } = JSON.parse(line) as { key: string }
      const byKey = await cli(['show', `--key=${key}`, '--json'])
      expect(JSON.parse(byKey.stdout)).toMatchObject({ key, live: true })
      expect((await cli(['show', '--', '--an ID'])).exitCode).toBe(0)
    })

    test('ends with 4 when there is no such session, or it has expired', async () => {
      const { store, cli } = await setUp()
      await store.write('expired', {}, { expiresMs: 1 })
      const expired = await cli(['show', 'expired', '--json'])
      expect(expired.exitCode).toBe(4)
      expect(JSON.parse(expired.stdout)).toMatchObject({ live: false })
      expect((await cli(['show', 'expired'])).stdout).toContain('applications do not see it any more')
      const absent = await cli(['show', 'absent'])
      expect(absent).toEqual({ exitCode: 4, stdout: '', stderr: 'there is no such session\n' })
      const cookie = await cli(['show', 's%3Aabsent.signature'])
      expect(cookie.stderr).toContain('the value of a signed cookie')
      expect(cookie.stderr).not.toContain('absent')
    })

    test('says who has locked a session, and for how long', async () => {
      const { store, cli } = await setUp()
      await store.write('a', {})
      await using lock = await store.lock('a', { leaseSeconds: 600, renew: false })
      expect(lock).toBeDefined()
      expect((await cli(['show', 'a'])).stdout).toMatch(/^locked +for (?:9m \d+s|10m)/m)
      expect((await cli(['stats', '--json'])).stdout).toContain('"locked": 1')
    })

    test('reads encrypted sessions with the key of the environment alone', async () => {
      const { store, cli } = await setUp({ encryption: { keys: ['correct-horse-battery-staple'] } })
      await store.write('a', { note: 'SECRET-NOTE' })
      const without = await cli(['show', 'a', '--show-data'])
      expect(without.exitCode).toBe(1)
      expect(without.stdout).toMatch(/^stored as +encrypted$/m)
      expect(without.stdout).toMatch(/^data +cannot be read: /m)
      const json = await cli(['show', 'a', '--json'])
      expect(JSON.parse(json.stdout)).toMatchObject({ problem: { code: 'SESSION_DECRYPTION_FAILED' } })
      const withKey = await cli(['show', 'a', '--show-data'], {
        environment: { DYNAMODB_SESSIONS_ENCRYPTION: 'correct-horse-battery-staple' },
      })
      expect(withKey.exitCode).toBe(0)
      expect(withKey.stdout).toContain('SECRET-NOTE')
    })
  })

  describe('destroy', () => {
    test('ends a session by its ID, and by its key', async () => {
      const { store, cli } = await setUp()
      await store.write('SECRET-1', {})
      await store.write('SECRET-2', {})
      expect(await cli(['destroy', 'SECRET-1'])).toEqual({ exitCode: 0, stdout: 'destroyed\n', stderr: '' })
      const byKey = await cli(['destroy', `--key=${hashSessionId('SECRET-2')}`, '--json'])
      expect(JSON.parse(byKey.stdout)).toEqual({ destroyed: 1 })
      expect(await store.count()).toBe(0)
      const again = await cli(['destroy', '-'], { stdin: 'SECRET-1' })
      expect(again).toEqual({ exitCode: 0, stdout: 'there was no such session\n', stderr: '' })
    })

    test('ends the sessions of a user, but for those to keep', async () => {
      const { store, cli } = await setUp()
      for (const id of ['a', 'b', 'c']) await store.write(id, { user: 'ada' })
      await store.write('d', { user: 'bob' })
      const { exitCode, stdout } = await cli(['destroy', '--user', 'ada', '--except', 'a', '--except', 'b'])
      expect([exitCode, stdout]).toEqual([0, '1 session destroyed\n'])
      const left = await Promise.all(
        ['a', 'b', 'c', 'd'].map(async id => (await store.read(id)) !== undefined),
      )
      expect(left).toEqual([true, true, false, true])
      expect(JSON.parse((await cli(['destroy', '--user', 'ada', '--json'])).stdout)).toEqual({ destroyed: 2 })
    })
  })

  describe('gc and stats', () => {
    test('count what has expired, delete that, and nothing else', async () => {
      const { store, cli } = await setUp({ ttlSeconds: 3600 })
      await store.write('a', { user: 'ada' })
      await store.write('b', { note: incompressibleText(6000) })
      for (const id of ['c', 'd', 'e']) await store.write(id, {}, { expiresMs: 1 })
      const stats = JSON.parse((await cli(['stats', '--json', '--ttl-seconds', '3600'])).stdout) as object
      expect(stats).toMatchObject({
        scanned: 5,
        live: 2,
        withUser: 1,
        locked: 0,
        sealed: 1,
        unreadable: 0,
        sizeBytes: { max: expect.closeTo(4650, -3) as unknown },
        remainingSeconds: { max: expect.closeTo(3600, -2) as unknown },
        idleSeconds: { min: expect.closeTo(0, -2) as unknown },
        expired: { count: 3 },
      })
      const text = await cli(['stats'])
      expect(text.stdout).toMatch(/^sessions +2 sessions, /m)
      expect(text.stdout).toMatch(/^expired +3 still there, \d+ bytes; gc deletes them$/m)
      expect(text.stdout).not.toContain('idle')

      const collected = await cli(['gc', '--segments', '2'])
      expect(collected.exitCode).toBe(0)
      expect(collected.stdout).toMatch(/^3 expired sessions deleted, \d items? read, in /)
      expect(collected.stderr).toBe('')
      expect(JSON.parse((await cli(['gc', '--json'])).stdout)).toMatchObject({ deleted: 0, segments: 4 })
      expect(await store.count()).toBe(2)
      expect((await cli(['stats'])).stdout).toMatch(/^expired +none is left$/m)
    })

    test('leave alone what has expired only just, when they are told to', async () => {
      const { store, cli } = await setUp()
      await store.write('a', {}, { expiresMs: 1 })
      expect(JSON.parse((await cli(['gc', '--grace-seconds', '3600', '--json'])).stdout)).toMatchObject({
        deleted: 0,
      })
    })

    test('say how far they have come to who is looking', async () => {
      const { store, cli } = await setUp()
      await store.write('a', {}, { expiresMs: 1 })
      const clear = '\r\u001B[K'
      const terminal = { isTerminal: true, environment: { NO_COLOR: '1' } }
      const collected = await cli(['gc', '--segments', '1'], terminal)
      const [before, shown, after] = collected.stderr.split(clear)
      expect([before, after]).toEqual(['', ''])
      expect(shown).toMatch(
        /^(?:1 items read|\[#{20}\] 100 %, 1 of about 1 items read), 1 expired session deleted$/,
      )
      expect((await cli(['stats'], terminal)).stderr).toBe(`${clear}0 items read${clear}`)
    })

    test('say with --dry-run what would be deleted, and delete nothing', async () => {
      const { store, cli } = await setUp()
      await store.write('a', {}, { expiresMs: 1 })
      await store.write('b', { user: 'ada' })
      const dry = await cli(['gc', '--dry-run'])
      expect([dry.exitCode, dry.stdout]).toEqual([0, '1 expired session would be deleted, 2 items read\n'])
      await expect
        .poll(async () => (await cli(['destroy', '--user', 'ada', '--dry-run'])).stdout)
        .toBe('1 session would be destroyed\n')
      expect(await store.count()).toBe(1)
      expect((await cli(['gc'])).stdout).toMatch(/^1 expired session deleted, 2 items read/)
      const alone = await cli(['destroy', 'b', '--dry-run'])
      expect([alone.exitCode, alone.stderr]).toEqual([
        2,
        expect.stringContaining('--dry-run goes with --user'),
      ])
    })

    test('have limits of their own, and end when --timeout is over', async () => {
      const { store, cli } = await setUp()
      await store.write('a', {})
      const impatient = {
        environment: {
          DYNAMODB_SESSIONS_DEADLINE_MS: '1',
          DYNAMODB_SESSIONS_ATTEMPT_TIMEOUT_MS: '1',
          DYNAMODB_SESSIONS_CONNECT_TIMEOUT_MS: '1',
        },
      }
      for (const command of ['list', 'stats', 'gc'])
        expect((await cli([command], impatient)).exitCode).toBe(0)
      const over = await cli(['stats', '--timeout', '0.001'])
      expect([over.exitCode, over.stdout]).toEqual([1, ''])
      expect(over.stderr).toContain('the call did not finish within 1 ms')
    })

    test('say why there is nothing to list', async () => {
      const { table, store, cli } = await setUp()
      expect((await cli(['list'])).stderr).toBe('there are no sessions: the table is empty\n')
      await store.write('a', {})
      const other = await cli(['list', '--layout', 'connect-dynamodb'])
      expect(other.stderr).toContain(
        'there are no sessions of the layout "connect-dynamodb" that are alive; the table has items, by dynamodb-sessions',
      )
      expect((await cli(['list', '--user', 'eve', '--table', table])).stderr).toContain(
        'no sessions of this user',
      )
    })

    test('say of an empty table that it is empty', async () => {
      const { cli } = await setUp()
      const { exitCode, stdout } = await cli(['stats'])
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/^sessions +0 sessions, 0 bytes$/m)
      expect(stdout).toMatch(/^size +-$/m)
    })

    test('count items that are no sessions apart', async () => {
      const table = await SessionTable.create(engine)
      await table.put({ id: { S: 'a' }, name: { S: 'no session' } })
      const { stdout } = await runCli(['stats', '--table', table.name, '--no-hash-ids', '--json'], {
        environment,
      })
      expect(JSON.parse(stdout)).toMatchObject({ live: 0, unreadable: 1 })
    })

    test('know marks of sessions that got a new ID for no sessions, and so do list and show', async () => {
      const table = await SessionTable.create(engine)
      const store = new SessionStore({ ...table.options, hashIds: false })
      await store.regenerate(await store.write('old', { a: 1 }), 'new')
      await store.close()
      const settings = ['--table', table.name, '--no-hash-ids']
      const run = (words: readonly string[]) => runCli([...words, ...settings], { environment })
      const stats = JSON.parse((await run(['stats', '--json'])).stdout) as object
      expect(stats).toMatchObject({ scanned: 2, live: 1, unreadable: 0, expired: { count: 0 } })
      expect(lines((await run(['list', '--json'])).stdout)).toHaveLength(1)
      expect((await run(['show', '--key', 'old'])).exitCode).toBe(
        (await run(['show', '--key', 'none'])).exitCode,
      )
    })
  })
})

/** The key in a line of `list --json`. */
function keyIn(line: string): string {
  return (JSON.parse(line) as { readonly key: string }).key
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n')
}
