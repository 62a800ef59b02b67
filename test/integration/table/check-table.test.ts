import { beforeAll, describe, expect, test } from 'vitest'

import { AccessDeniedError } from '../../../src/errors.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import {
  checkTable,
  createTable,
  describeTable,
  type TableOptions,
  type TableReport,
} from '../../../src/table/index.ts'
import { engineCredentials, engineRegion, engines, uniqueTableName } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'

const credentials = engineCredentials
const region = engineRegion

describe.each(engines)('$name', ({ endpoint, supports }) => {
  const connection = { endpoint, region, credentials }
  const check = async (options: TableOptions): Promise<TableReport> =>
    checkTable({ ...connection, ...options })

  describe('describeTable', () => {
    test('describes a table that createTable made', async () => {
      const table = uniqueTableName()
      await createTable({ ...connection, table, onWarning: () => undefined })
      const store = new SessionStore({ ...connection, table })
      await store.write('some-id', { user: 'ada' })
      await store.close()
      const state = await describeTable({ ...connection, table })
      expect(state).toMatchObject({
        table,
        status: 'ACTIVE',
        key: [{ name: 'id', role: 'HASH', type: 'S' }],
        billing: 'on-demand',
        timeToLive: supports.ttl
          ? { status: 'ENABLED', attribute: 'expires' }
          : { status: 'DISABLED', attribute: undefined },
        userIndex: {
          status: 'ACTIVE',
          key: [{ name: 'user', role: 'HASH', type: 'S' }],
          projected: ['expires', 'expiresMs', 'created'],
        },
      })
      expect(state?.itemCount).toBeTypeOf('number')
      expect(state?.sizeBytes).toBeTypeOf('number')
    })

    test('describes a table with provisioned capacity and another key', async () => {
      const table = uniqueTableName()
      const billing = { readCapacityUnits: 3, writeCapacityUnits: 2 }
      await createTable({
        ...connection,
        table,
        billing,
        partitionKey: 'sid',
        userIndex: false,
        onWarning: () => undefined,
      })
      expect(await describeTable({ ...connection, table })).toMatchObject({
        billing,
        key: [{ name: 'sid', role: 'HASH', type: 'S' }],
        userIndex: undefined,
      })
    })

    test('knows when there is no table', async () => {
      expect(await describeTable({ ...connection, table: uniqueTableName() })).toBeUndefined()
    })
  })

  describe('checkTable', () => {
    let table: string
    beforeAll(async () => {
      table = uniqueTableName()
      await createTable({ ...connection, table, onWarning: () => undefined })
    })

    test('has nothing to say against a table that createTable made', async () => {
      const { findings, state } = await check({ table })
      expect(levels(findings)).toEqual(['pass', 'pass', 'pass', supports.ttl ? 'pass' : 'warn', 'pass'])
      expect(findings.filter(({ level }) => level === 'pass').some(({ fix }) => fix !== undefined)).toBe(
        false,
      )
      expect(state).toEqual(await describeTable({ ...connection, table }))
    })

    test('fails for a table that is not there, and says how to create it there', async () => {
      const missing = uniqueTableName()
      const what = `table "${missing}" does not exist in ${region} at ${endpoint}`
      const command = `npx dynamodb-sessions create-table --table ${missing} --region ${region} --endpoint ${endpoint}`
      const local =
        'DynamoDB Local keeps the tables of each access key ID and region apart, unless it runs with -sharedDb'
      const fix = `create it with: ${command}; or name the region, account or table that it is in; ${local}`
      expect(await check({ table: missing })).toEqual({
        table: missing,
        state: undefined,
        findings: [{ level: 'fail', what, fix }],
      })
    })

    test('names the layout and the partition key in the command that creates it', async () => {
      const options = { table: uniqueTableName(), layout: 'dynamodb-store', partitionKey: "it's" } as const
      const { findings } = await check(options)
      expect(findings[0]?.fix).toContain(
        ` --endpoint ${endpoint} --layout dynamodb-store --partition-key 'it'\\''s';`,
      )
    })

    test('fails for a table with another key', async () => {
      const { findings } = await check({ table, partitionKey: 'sid' })
      expect(findings[1]).toEqual({
        level: 'fail',
        what: `the key of table "${table}" is id (HASH, S), not sid (HASH, S), and a key cannot be changed`,
        fix: expect.stringContaining('"partitionKey"') as unknown,
      })
    })

    test('warns of what a table lacks, and changes nothing', async () => {
      const plain = uniqueTableName()
      await sendToEngine(endpoint, 'CreateTable', {
        TableName: plain,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: { ReadCapacityUnits: 4, WriteCapacityUnits: 5 },
      })
      await expect
        .poll(() => describeTable({ ...connection, table: plain }))
        .toMatchObject({ status: 'ACTIVE' })
      const before = await describeTable({ ...connection, table: plain })
      const { findings } = await check({ table: plain })
      expect(levels(findings)).toEqual(['pass', 'pass', 'pass', 'warn', 'warn'])
      expect(findings[2]?.what).toMatch(/4 read and 5 write units/)
      expect(findings[3]?.what).toMatch(/expired sessions/)
      expect(findings[4]?.fix).toContain('ProvisionedThroughput={ReadCapacityUnits=4,WriteCapacityUnits=5}')
      expect(await describeTable({ ...connection, table: plain })).toEqual(before)
    })

    test('asks of a table what the layout asks of it', async () => {
      const { findings } = await check({ table, layout: 'connect-dynamodb' })
      expect(levels(findings)).toEqual(['pass', 'pass', 'pass', supports.ttl ? 'pass' : 'warn'])
      const others = await check({ table, layout: 'serverless-dynamodb-session-store' })
      expect(levels(others.findings)).toEqual(['pass', 'fail', 'pass', 'warn'])
      expect(others.findings[1]?.what).toContain('is id (HASH, S), not sessionId (HASH, S)')
      expect(others.findings[3]?.what).toContain(supports.ttl ? 'not on "expireTime_TTL"' : 'DISABLED')
    })

    test('does not ask for time to live where it could not act', async () => {
      const { findings } = await check({ table, layout: 'adonis', partitionKey: 'id' })
      expect(levels(findings)).toEqual(['pass', 'pass', 'pass', 'warn'])
      expect(findings[3]?.fix).toContain(`npx dynamodb-sessions gc --table ${table} --layout adonis`)
    })

    test('does not ask for the index where nothing needs it', async () => {
      const { findings } = await check({ table, userIndex: false })
      expect(findings).toHaveLength(4)
      expect(findings.map(({ what }) => what).join()).not.toContain('index')
    })
  })
})

describe('checkTable', () => {
  test.each(['CREATING', 'DELETING', 'ARCHIVED'])('fails for a table that is %s', async status => {
    const stub = await StubEndpoint.start(() => ({
      statusCode: 200,
      body: { Table: { TableStatus: status, KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] } },
    }))
    const { findings, state } = await checkTable({
      endpoint: stub.url,
      region,
      credentials,
      table: 'some-table',
    })
    expect(findings[0]).toMatchObject({ level: 'fail', what: `table "some-table" is ${status}` })
    expect(state).toMatchObject({ status, timeToLive: undefined })
    expect(stub.operations).toEqual(['DescribeTable'])
    await stub.close()
  })

  test('does not take a refused question for a missing table, and closes its connections', async () => {
    const stub = await StubEndpoint.start(() => ({
      statusCode: 400,
      body: { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not for you' },
    }))
    const checking = checkTable({ endpoint: stub.url, region, credentials, table: 'some-table' })
    await expect(checking).rejects.toBeInstanceOf(AccessDeniedError)
    await expect.poll(() => stub.openConnections()).toBe(0)
    await stub.close()
  })

  test.each([
    ['an option of createTable alone', { billing: 'on-demand' }, /"billing"/],
    ['an unknown option', { tabel: 'sessions' }, /"tabel"/],
  ])('refuses %s', async (_name, options, message) => {
    for (const call of [checkTable(options as TableOptions), describeTable(options as TableOptions)]) {
      await expect(call).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_OPTION' })
      await expect(call).rejects.toThrow(message)
    }
  })
})

function levels(findings: TableReport['findings']): string[] {
  return findings.map(({ level }) => level)
}
