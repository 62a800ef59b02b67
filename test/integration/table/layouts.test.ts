import { randomBytes } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { LAYOUT_NAMES } from '../../../src/layouts/layout-settings.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { checkTable, createTable, type CreateTableOptions } from '../../../src/table/index.ts'
import { connectionTo, engines, uniqueTableName } from '../../support/engines.ts'

/** The attribute that each layout lets time to live act on, and where it lets none. */
const ttlAttributes: Readonly<Record<(typeof LAYOUT_NAMES)[number], string | undefined>> = {
  native: 'expires',
  php: 'expires',
  'connect-dynamodb': 'expires',
  'dynamodb-store': 'expires',
  'connect-dynamodb-session': undefined,
  pwrdrvr: 'expires',
  'serverless-dynamodb-session-store': 'expireTime_TTL',
  'koa-session-dynamodb': 'expires',
  adonis: undefined,
  architect: '_ttl',
  'aws-ruby': 'expire_at',
  laravel: 'expires_at',
}

describe.each(engines)('$name, createTable for the layout', ({ endpoint, supports }) => {
  const connection = connectionTo({ endpoint })

  async function create(options: CreateTableOptions): Promise<readonly string[]> {
    const { created, warnings } = await createTable({ ...connection, onWarning: () => undefined, ...options })
    expect(created).toBe(true)
    return warnings
  }

  test.each(LAYOUT_NAMES)('%s makes a table that its store can use', async layout => {
    const table = uniqueTableName()
    const ttlAttribute = ttlAttributes[layout]
    const warnings = await create({ table, layout })
    const asksForCollection = new RegExp(
      `the layout "${layout}" .*; collect garbage regularly: collectGarbage`,
    )
    expect(warnings.filter(each => asksForCollection.test(each))).toHaveLength(
      ttlAttribute === undefined ? 1 : 0,
    )
    expect(warnings).toHaveLength(supports.ttl && ttlAttribute !== undefined ? 0 : 1)
    const store = new SessionStore({ ...connection, table, layout })
    const id = randomBytes(20).toString('hex')
    const { key } = await store.write(id, { user: 'ada' })
    expect((await store.read(id))?.data).toEqual({ user: 'ada' })
    const keys = []
    for await (const each of store.keys()) keys.push(each)
    expect(keys).toEqual([key])
    await store.close()

    const { state, findings } = await checkTable({ ...connection, table, layout })
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    expect(state?.userIndex === undefined).toBe(layout !== 'native')
    expect(state?.timeToLive).toEqual(
      supports.ttl && ttlAttribute !== undefined
        ? { status: 'ENABLED', attribute: ttlAttribute }
        : { status: 'DISABLED', attribute: undefined },
    )
  })

  test('php makes one with the attributes that the options name', async () => {
    const table = uniqueTableName()
    const options = {
      layout: 'php',
      partitionKey: 'data',
      dataAttribute: 'payload',
      ttlAttribute: 'until',
    } as const
    await create({ table, ...options })
    const store = new SessionStore({ ...connection, table, ...options })
    await store.write('anId', { user: 'ada' })
    expect((await store.read('anId'))?.data).toEqual({ user: 'ada' })
    await store.close()
    const { state } = await checkTable({ ...connection, table, ...options })
    expect(state?.key).toEqual([{ name: 'data', role: 'HASH', type: 'S' }])
    expect(state?.timeToLive?.attribute).toBe(supports.ttl ? 'until' : undefined)
  })

  test('that is in the environment makes the table of it', async () => {
    const table = uniqueTableName()
    process.env['DYNAMODB_SESSIONS_LAYOUT'] = 'architect'
    try {
      await create({ table })
    } finally {
      delete process.env['DYNAMODB_SESSIONS_LAYOUT']
    }
    const { state } = await checkTable({ ...connection, table })
    expect(state?.key).toEqual([{ name: '_idx', role: 'HASH', type: 'S' }])
  })
})
