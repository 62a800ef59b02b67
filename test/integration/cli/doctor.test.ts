import { describe, expect, onTestFinished, test } from 'vitest'

import type { Check } from '../../../src/cli/doctor/check.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { createTable } from '../../../src/table/create-table.ts'
import {
  connectionTo,
  type Engine,
  engine,
  engineRegion,
  engines,
  uniqueTableName,
} from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { SessionTable } from '../../support/session-table.ts'
import { type StubAnswer, StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { type Finished, interrupted, runCli } from './command-line.ts'
import { engineEnvironment } from './engine-environment.ts'
import { endpointWithClock } from './dated-endpoint.ts'

interface Examined extends Finished {
  readonly checks: readonly Check[]
  readonly check: (name: string) => Check | undefined
  readonly named: (level: Check['level']) => readonly string[]
}

/** Runs doctor twice, for people and for scripts, which have to come to the same. */
async function examine(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Examined> {
  const text = await runCli(['doctor', ...args], { environment })
  const json = await runCli(['doctor', '--json', ...args], { environment })
  expect(json.exitCode).toBe(text.exitCode)
  const { checks } = JSON.parse(json.stdout) as { checks: readonly Check[] }
  // A busy machine may be slow for one of them only.
  const compared = checks.filter(({ name }) => name !== 'latency')
  const stdout = text.stdout.replace(/^\w+ {2}latency .*\n(?: +fix: .*\n)?/m, '')
  const told = stdout.matchAll(/^(?<level>pass|warn|fail|skip) {2}(?<name>.*?) {2}/gm)
  expect(Array.from(told, ({ groups }) => groups)).toEqual(
    compared.map(({ level, name }) => ({ level, name })),
  )
  const fixes = compared.flatMap(({ fix }) => (fix === undefined ? [] : [`fix: ${fix}`]))
  expect(stdout.match(/fix: .*/g) ?? []).toEqual(fixes)
  return {
    ...text,
    checks,
    check: name => checks.find(check => check.name === name),
    named: level => checks.filter(check => levelOf(check) === level).map(({ name }) => name),
  }
}

/** A machine that is busy with other things is slow, which is nothing that these tests are about. */
function levelOf({ name, level }: Check): Check['level'] {
  return name === 'latency' && level === 'warn' ? 'pass' : level
}

async function tableIn(on: Engine): Promise<string> {
  const table = uniqueTableName()
  await createTable({
    ...connectionTo(on),
    table,
    onWarning: () => {},
  })
  return table
}

async function inFrontOf(
  { endpoint }: Engine,
  intercept: (request: StubRequest) => StubAnswer | undefined,
): Promise<{ endpoint: string; stub: StubEndpoint }> {
  const stub = await StubEndpoint.inFrontOf(endpoint, intercept)
  onTestFinished(() => stub.close())
  return { endpoint: stub.url, stub }
}

function refusal(code: string, message = 'not today'): StubAnswer {
  return { statusCode: 400, body: { __type: `com.amazon.coral.service#${code}`, message } }
}

describe('doctor', () => {
  const environment = engineEnvironment(engine)

  test('warns of a variable that nothing reads', async () => {
    const table = await tableIn(engine)
    const variables = { DYNAMODB_SESSIONS_TABLE: table, DYNAMODB_SESSIONS_ENCRYPTOIN: 'hunter2' }
    const { check, exitCode, stdout } = await examine({ ...environment, ...variables })
    expect(check('variables')).toEqual({
      name: 'variables',
      level: 'warn',
      found:
        'nothing reads the environment variable DYNAMODB_SESSIONS_ENCRYPTOIN; did you mean DYNAMODB_SESSIONS_ENCRYPTION?',
      fix: 'correct the name, or remove the variable',
    })
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('hunter2')
  })

  test('looks at the Regions of the failover, and tries the permissions there', async () => {
    const table = await tableIn(engine)
    const { endpoint } = await inFrontOf(engine, ({ operation }) =>
      operation === 'UpdateItem' ? refusal('AccessDeniedException') : undefined,
    )
    const { check, exitCode } = await examine({
      ...environment,
      DYNAMODB_SESSIONS_TABLE: table,
      DYNAMODB_SESSIONS_FAILOVER: `us-west-2=${endpoint}`,
    })
    // No engine has replicas.
    expect(check('replicas')).toMatchObject({
      level: 'warn',
      found: `table "${table}" has no replica in us-west-2`,
    })
    expect(check('us-west-2: dynamodb:GetItem')?.level).toBe('pass')
    expect(check('us-west-2: dynamodb:UpdateItem')?.level).toBe('fail')
    expect(check('dynamodb:UpdateItem')?.level).toBe('pass')
    expect(check('us-west-2: replication lag')?.found).toContain('ReplicationLatency')
    expect(exitCode).toBe(3)
  })

  test.each(engines)(
    'finds nothing wrong with a healthy table of $name, and leaves it as it is',
    async on => {
      const table = await tableIn(on)
      const store = new SessionStore({ ...connectionTo(on), table })
      await store.write('SECRET-ID', { secret: 'SECRET-DATA' })
      await store.close()
      const itemsIn = async (): Promise<unknown> =>
        (await sendToEngine(on.endpoint, 'Scan', { TableName: table })).body
      const before = await itemsIn()

      const { exitCode, named, check, stdout, stderr } = await examine({
        ...engineEnvironment(on),
        DYNAMODB_SESSIONS_TABLE: table,
      })
      expect(stderr).toBe('')
      expect(exitCode).toBe(0)
      expect(named('fail')).toEqual([])
      // Dynalite cannot switch time to live on.
      expect(named('warn')).toEqual(on.supports.ttl ? [] : ['time to live'])
      expect(named('skip')).toEqual([])
      expect(named('pass')).toEqual(
        expect.arrayContaining([
          'credentials',
          'region',
          'endpoint',
          'connection',
          'clock',
          'table',
          'key',
          'billing',
          'index by user',
          'item format',
          'item keys',
          'item content',
          ...['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan', 'DescribeTable'].map(
            name => `dynamodb:${name}`,
          ),
          'latency',
        ]),
      )
      expect(check('credentials')?.found).toContain('from environment variables')
      expect(check('region')?.found).toBe(`${engineRegion}, from AWS_REGION`)
      expect(check('endpoint')?.found).toContain('AWS_ENDPOINT_URL_DYNAMODB')
      expect(check('item format')?.found).toBe('of 1 item: 1 by dynamodb-sessions')
      expect(check('latency')?.found).toMatch(/^ten reads: min [\d.]+ ms, median [\d.]+ ms, max [\d.]+ ms$/)
      expect(stdout).not.toContain('SECRET')
      expect(await itemsIn()).toEqual(before)
    },
  )

  test('without credentials says where it looked, and checks what needs none', async () => {
    const { AWS_REGION = '', AWS_ENDPOINT_URL_DYNAMODB = '' } = environment
    const found = await examine({ AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB })
    expect(found.exitCode).toBe(3)
    expect(found.named('fail')).toEqual(['credentials'])
    expect(found.check('credentials')?.found).toContain('AWS_ACCESS_KEY_ID is not set')
    expect(found.check('credentials')?.found).toContain('container')
    expect(found.check('credentials')?.fix).toContain('AWS_PROFILE')
    expect(found.named('pass')).toEqual(['variables', 'region', 'endpoint', 'connection', 'clock'])
    expect(found.check('table')?.found).toBe('not checked: there are no credentials')
  })

  test('says which profile the credentials and the region are from, and hides the keys', async () => {
    const table = await tableIn(engine)
    const home = await temporaryHome({
      credentials: '[staging]\naws_access_key_id = local\naws_secret_access_key = SECRET-KEY\n',
      config: `[profile staging]\nregion = ${engineRegion}\n`,
    })
    const found = await examine(
      {
        ...home.environment,
        AWS_CONFIG_FILE: `${home.directory}/.aws/config`,
        AWS_SHARED_CREDENTIALS_FILE: `${home.directory}/.aws/credentials`,
      },
      '--profile',
      'staging',
      '--table',
      table,
      '--endpoint',
      engine.endpoint,
    )
    expect(found.exitCode).toBe(0)
    expect(found.check('credentials')?.found).toBe(
      'from the profile "staging" (static keys), access key ending in ocal',
    )
    expect(found.check('region')?.found).toBe(`${engineRegion}, from the profile "staging"`)
    expect(found.check('endpoint')?.found).toContain('from --endpoint')
    expect(found.stdout).not.toContain('SECRET')
  })

  test('a profile that does not exist fails, and nothing else is used instead', async () => {
    const found = await examine(environment, '--profile', 'nobody')
    expect(found.check('credentials')).toMatchObject({ level: 'fail' })
    expect(found.check('credentials')?.found).toContain('"nobody"')
  })

  test('a table that is not there is to be created, or is in another region', async () => {
    const table = uniqueTableName()
    const found = await examine({ ...environment, DYNAMODB_SESSIONS_TABLE: table })
    expect(found.exitCode).toBe(3)
    expect(found.named('fail')).toEqual(['table'])
    expect(found.check('table')?.found).toBe(
      `table "${table}" does not exist in ${engineRegion} at ${engine.endpoint}`,
    )
    const command = `create-table --table ${table} --region ${engineRegion} --endpoint ${engine.endpoint}`
    expect(found.check('table')?.fix).toContain(`${command};`)
    expect(found.check('dynamodb:GetItem')?.level).toBe('skip')
    const args = ['--table', table, '--layout', 'php', '--partition-key', 'sid']
    const ofLayout = await examine(environment, ...args)
    expect(ofLayout.check('table')?.fix).toContain(`${command} --layout php --partition-key sid;`)
  })

  test('without a region says where it looked', async () => {
    const { AWS_REGION: _, ...withoutRegion } = environment
    const found = await examine(withoutRegion)
    expect(found.exitCode).toBe(3)
    expect(found.check('region')).toMatchObject({ level: 'fail' })
    expect(found.check('region')?.found).toContain('--region')
    expect(found.named('pass')).toEqual(['variables', 'credentials'])
  })

  test('a region whose endpoint is another one is told from what DynamoDB says', async () => {
    const message = "Credential should be scoped to a valid region, not 'us-east-1'. "
    const { endpoint } = await inFrontOf(engine, () => refusal('InvalidSignatureException', message))
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
    expect(found.exitCode).toBe(3)
    expect(found.named('fail')).toEqual(['connection'])
    expect(found.check('connection')?.found).toContain(`another region than ${engineRegion}`)
    expect(found.check('connection')?.fix).toContain('AWS_REGION')
  })

  test('a region that contradicts the ARN of the table is found', async () => {
    const table = 'arn:aws:dynamodb:eu-west-1:111122223333:table/sessions'
    const found = await examine(environment, '--table', table)
    expect(found.check('region')).toMatchObject({ level: 'fail' })
    expect(found.check('region')?.fix).toContain('eu-west-1')
  })

  test('a host that does not exist points at the spelling of the region', async () => {
    const found = await examine({
      ...environment,
      AWS_ENDPOINT_URL_DYNAMODB: 'https://dynamodb.eu-wst-1.invalid',
    })
    expect(found.exitCode).toBe(3)
    expect(found.named('fail')).toEqual(['connection'])
    expect(found.check('connection')?.fix).toContain('spelling of the region')
    expect(found.check('table')?.found).toBe('not checked: the endpoint cannot be reached')
  })

  test('time to live on another attribute is found', async () => {
    const table = await tableIn(engine)
    const TimeToLiveDescription = { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' }
    const { endpoint } = await inFrontOf(engine, ({ operation }) =>
      operation === 'DescribeTimeToLive' ? { statusCode: 200, body: { TimeToLiveDescription } } : undefined,
    )
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, '--table', table)
    expect(found.exitCode).toBe(0)
    expect(found.named('warn')).toEqual(['time to live'])
    expect(found.check('time to live')?.found).toContain('on attribute "ttl", not on "expires"')
    expect(found.check('time to live')?.fix).toMatch(
      /disable it: aws dynamodb update-time-to-live .*Enabled=false,AttributeName=ttl; .*Enabled=true,AttributeName=expires$/,
    )
    expect(
      (
        await runCli(['doctor', '--strict', '--table', table], {
          environment: { ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
        })
      ).exitCode,
    ).toBe(3)
  })

  test.runIf(engine.supports.ttl)('time to live on another attribute is found on a real table', async () => {
    const table = await SessionTable.create(engine)
    await table.send('UpdateTimeToLive', { TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } })
    const found = await examine(environment, '--table', table.name)
    expect(found.named('warn')).toEqual(['time to live'])
  })

  test.each([
    [-600_000, 'fail', 'ahead of'],
    [600_000, 'fail', 'behind'],
    [60_000, 'warn', 'behind'],
  ] as const)('a clock that is %d ms off is found: %s, %s', async (offsetMs, level, direction) => {
    const table = await tableIn(engine)
    const endpoint = await endpointWithClock(engine.endpoint, () => Date.now() + offsetMs)
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, '--table', table)
    expect(found.exitCode).toBe(level === 'fail' ? 3 : 0)
    expect(found.check('clock')).toMatchObject({ level, fix: expect.stringContaining('NTP') as unknown })
    expect(found.check('clock')?.found).toMatch(
      new RegExp(`^it is \\d+m( \\d+s)? ${direction} that of the endpoint|^it is \\d+s ${direction}`),
    )
    expect(found.check('table')?.level).toBe('pass')
  })

  test('a clock is found to be wrong without credentials, too', async () => {
    const { AWS_REGION = '' } = environment
    const endpoint = await endpointWithClock(engine.endpoint, () => Date.now() + 600_000)
    const found = await examine({ AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
    expect(found.named('fail')).toEqual(['credentials', 'clock'])
  })

  describe('a permission that is missing', () => {
    const needed = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem']
    const others = ['Query', 'Scan', 'DescribeTable', 'DescribeTimeToLive']

    test.each([...needed, ...others])('%s is found, and only that', async denied => {
      const table = await tableIn(engine)
      const { endpoint } = await inFrontOf(engine, ({ operation }) =>
        operation === denied ? refusal('AccessDeniedException', 'User is not authorized') : undefined,
      )
      const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, '--table', table)
      const level = needed.includes(denied) ? 'fail' : 'warn'
      expect(found.exitCode).toBe(level === 'fail' ? 3 : 0)
      expect(found.check(`dynamodb:${denied}`)).toMatchObject({
        level,
        found: 'denied',
        fix: expect.stringContaining(`add dynamodb:${denied} on `) as unknown,
      })
      expect(found.named('fail')).toEqual(level === 'fail' ? [`dynamodb:${denied}`] : [])
      expect(found.check('connection')?.level).toBe('pass')
      for (const other of [...needed, 'Query', 'Scan', 'DescribeTable'].filter(name => name !== denied)) {
        expect(found.check(`dynamodb:${other}`)?.level).toBe('pass')
      }
    })

    test('all of them are found when there are none', async () => {
      const { endpoint } = await inFrontOf(engine, () => refusal('AccessDeniedException'))
      const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
      expect(found.named('fail')).toEqual(needed.map(name => `dynamodb:${name}`))
      expect(found.named('warn')).toEqual(others.map(name => `dynamodb:${name}`))
      expect(found.check('table')).toMatchObject({ level: 'skip' })
      expect(found.check('table')?.found).toContain('dynamodb:DescribeTable')
    })
  })

  test('permissions are tried with conditions that never hold', async () => {
    const table = await tableIn(engine)
    const { endpoint, stub } = await inFrontOf(engine, () => undefined)
    await runCli(['doctor', '--table', table], {
      environment: { ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
    })
    const writes = stub.requests.filter(({ operation }) => /^(?:Put|Update|Delete)Item$/.test(operation))
    expect(writes.map(({ operation }) => operation)).toEqual(['PutItem', 'UpdateItem', 'DeleteItem'])
    for (const { input } of writes) {
      expect(input['ConditionExpression']).toBe('attribute_exists(#key) AND attribute_not_exists(#key)')
    }
    expect(
      stub.operations.filter(operation => operation.endsWith('Table') && operation !== 'DescribeTable'),
    ).toEqual([])
  })

  test('credentials that AWS does not accept are told from permissions', async () => {
    const { endpoint } = await inFrontOf(engine, () =>
      refusal('UnrecognizedClientException', 'The security token is invalid'),
    )
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
    expect(found.named('fail')).toEqual(['connection'])
    expect(found.check('connection')?.fix).toContain('renew the keys')
    expect(found.check('permissions')?.found).toBe('not checked: AWS does not accept the credentials')
  })

  test('an endpoint that is not DynamoDB is found', async () => {
    const { endpoint } = await inFrontOf(engine, () => ({
      statusCode: 404,
      body: '<html>nothing here</html>',
    }))
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
    expect(found.named('fail')).toEqual(['connection'])
    expect(found.check('connection')?.fix).toContain('check the URL')
  })

  test.each([
    ['ExpiredTokenException', 'sign in again'],
    ['UnrecognizedClientException', 'AWS does not know them'],
    ['InvalidSignatureException', 'set the secret access key that belongs to the access key ID'],
  ])('what AWS has against credentials has an advice of its own: %s', async (code, fix) => {
    const { endpoint } = await inFrontOf(engine, () => refusal(code, 'as scripted'))
    const found = await examine({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
    expect(found.named('fail')).toEqual(['connection'])
    expect(found.check('connection')?.fix).toContain(fix)
  })

  test('an index that is missing is a warning where sessions have users, unless it is not wanted', async () => {
    const table = await SessionTable.create(engine)
    const empty = await examine(environment, '--table', table.name)
    expect(empty.check('index by user')).toMatchObject({
      level: 'skip',
      found: expect.stringContaining('no session that was read has a user') as string,
      fix: expect.stringContaining('update-table') as string,
    })
    const store = new SessionStore({ ...table.options, userId: () => 'ada' })
    await store.write('an-id', {})
    await store.close()
    const found = await examine(environment, '--table', table.name)
    expect(found.exitCode).toBe(0)
    expect(found.named('warn')).toContain('index by user')
    expect(found.check('dynamodb:Query')).toMatchObject({ level: 'skip' })
    const without = await examine(environment, '--table', table.name, '--no-user-index')
    expect(without.check('index by user')).toBeUndefined()
    expect(without.check('dynamodb:Query')).toBeUndefined()
  })

  test('another key is found, and the permissions are tried all the same', async () => {
    const table = await SessionTable.create(engine, 'sid')
    const found = await examine(environment, '--table', table.name)
    expect(found.exitCode).toBe(3)
    expect(found.named('fail')).toEqual(['key'])
    expect(found.check('key')?.fix).toContain('--partition-key')
    expect(found.check('dynamodb:PutItem')?.level).toBe('pass')
    expect(
      (await examine(environment, '--table', table.name, '--partition-key', 'sid')).named('fail'),
    ).toEqual([])
  })

  test.each([
    ['a number', 'N', []],
    ['a sort key', 'S', [{ name: 'sort', type: 'S' }]],
  ])('a key that is or has %s takes another table, and no option', async (_name, type, sort) => {
    const table = uniqueTableName()
    const key = [{ name: 'id', type }, ...sort]
    await sendToEngine(engine.endpoint, 'CreateTable', {
      TableName: table,
      KeySchema: key.map(({ name }, index) => ({
        AttributeName: name,
        KeyType: index === 0 ? 'HASH' : 'RANGE',
      })),
      AttributeDefinitions: key.map(each => ({ AttributeName: each.name, AttributeType: each.type })),
      BillingMode: 'PAY_PER_REQUEST',
    })
    const found = await examine(environment, '--table', table)
    expect(found.exitCode).toBe(3)
    expect(found.check('key')?.fix).toMatch(/^use another table/)
    expect(found.check('key')?.fix).not.toContain('--partition-key')
  })

  test('the layout decides about the key, time to live and the index', async () => {
    const table = uniqueTableName()
    const args = ['--table', table, '--layout', 'serverless-dynamodb-session-store']
    expect((await runCli(['create-table', ...args], { environment })).exitCode).toBe(0)
    const found = await examine(environment, ...args)
    expect(found.exitCode).toBe(0)
    expect(found.named('fail')).toEqual([])
    expect(found.named('warn')).toEqual(engine.supports.ttl ? [] : ['time to live'])
    expect(found.check('key')?.found).toBe('the key is sessionId (HASH, S)')
    const timeToLive = engine.supports.ttl ? 'on "expireTime_TTL"' : 'DISABLED'
    expect(found.check('time to live')?.found).toContain(timeToLive)
    expect(found.check('index by user')).toBeUndefined()
    expect(found.check('dynamodb:Query')).toBeUndefined()
  })

  test('a layout that time to live cannot act on needs garbage collection', async () => {
    const table = await SessionTable.create(engine, 'key')
    const found = await examine(environment, '--table', table.name, '--layout', 'adonis')
    expect(found.named('fail')).toEqual([])
    expect(found.named('warn')).toEqual(['time to live'])
    expect(found.check('time to live')?.fix).toContain(`gc --table ${table.name} --layout adonis`)
  })

  test('items of other software are named, and not repeated', async () => {
    const table = await SessionTable.create(engine)
    await table.put({
      id: { S: 'sess:SECRET-ID' },
      sess: { S: '{"secret":"SECRET-DATA"}' },
      expires: { N: '1795398547.969' },
      type: { S: 'connect-session' },
    })
    const found = await examine(environment, '--table', table.name)
    expect(found.check('item format')).toMatchObject({
      level: 'warn',
      found: 'of 1 item: 1 by connect-dynamodb',
    })
    expect(found.stdout).not.toContain('SECRET')
  })

  test('keys that these settings do not make are found', async () => {
    const table = await tableIn(engine)
    const options = { ...connectionTo(engine), table }
    const store = new SessionStore({ ...options, hashIds: false, prefix: 'shop:' })
    await store.write('SECRET-ID', {})
    await store.close()
    const found = await examine(environment, '--table', table)
    expect(found.check('item keys')).toMatchObject({ level: 'warn' })
    expect(found.stdout).not.toContain('SECRET')
    const right = await examine(environment, '--table', table, '--no-hash-ids', '--prefix', 'shop:')
    expect(right.check('item keys')).toMatchObject({ level: 'pass' })
  })

  test.each([
    ['adonis', 'key', 'adonis:'],
    ['connect-dynamodb', 'id', 'shop:'],
    ['pwrdrvr', 'id', 'shop#'],
    ['php', 'id', 'shop:'],
  ] as const)(
    'the prefix of the layout %s counts, and items of another are not broken',
    async (layout, partitionKey, prefix) => {
      const table = (await SessionTable.create(engine, partitionKey)).name
      const store = new SessionStore({ ...connectionTo(engine), table, layout, prefix })
      await store.write('SECRETID', { secret: 'SECRET-DATA' })
      await store.close()
      const args = ['--table', table, '--layout', layout, '--no-user-index'] as const
      const right = await examine(environment, ...args, '--prefix', prefix)
      expect(right.check('item format')?.level).toBe('pass')
      expect(right.check('item keys')?.level).toBe('pass')
      expect(right.check('item content')?.level).toBe('pass')
      const other = await examine(environment, ...args, '--prefix', 'other:')
      expect([other.check('item keys')?.level, other.check('item content')]).toEqual([
        layout === 'pwrdrvr' ? undefined : 'warn',
        undefined,
      ])
      expect(right.stdout + other.stdout).not.toContain('SECRET')
    },
  )

  test('items that are encrypted with another key are found', async () => {
    const table = await tableIn(engine)
    const options = { ...connectionTo(engine), table }
    const store = new SessionStore({ ...options, encryption: { keys: ['correct horse battery staple'] } })
    await store.write('an ID', { secret: 'SECRET-DATA' })
    await store.close()
    const found = await examine(environment, '--table', table)
    expect(found.exitCode).toBe(3)
    expect(found.check('item content')).toMatchObject({ level: 'fail' })
    expect(found.check('item content')?.found).toContain('DYNAMODB_SESSIONS_ENCRYPTION')
    const withKey = await examine(
      { ...environment, DYNAMODB_SESSIONS_ENCRYPTION: 'correct-horse-battery-staple' },
      '--table',
      table,
    )
    expect(withKey.check('item content')?.level).toBe('fail')
  })

  test('ends when it is interrupted', async () => {
    const { exitCode, stdout } = await runCli(['doctor'], { environment, signal: interrupted() })
    expect([exitCode, stdout]).toEqual([130, ''])
  })
})
