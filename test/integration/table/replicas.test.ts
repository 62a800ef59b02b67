import { describe, expect, onTestFinished, test } from 'vitest'

import { createTable, type CreateTableOptions } from '../../../src/table/create-table.ts'
import { checkTable } from '../../../src/table/check-table.ts'
import { rejectionOf } from '../../support/failure.ts'
import { type StubAnswer, StubEndpoint } from '../../support/stub-endpoint.ts'

interface Replica {
  RegionName: string
  ReplicaStatus: string
}

/** DynamoDB in several Regions, as far as making a global table goes: no engine has replicas. */
class GlobalDynamoDB {
  readonly #stubs = new Map<string, StubEndpoint>()
  readonly timeToLive = new Map<string, object>()
  /** What was asked for to be changed, with its Region. */
  readonly changes: (readonly [region: string, operation: string, input: object])[] = []
  table: Record<string, unknown> | undefined
  replicas: Replica[] = []
  witnesses: { RegionName: string; WitnessStatus: string }[] = []
  consistency: string | undefined
  /** How many times a new replica is described before it is active. */
  describedAs = ['CREATING', 'ACTIVE']
  /** Has its say before anything is done. */
  intercept: (region: string, operation: string) => StubAnswer | undefined = () => undefined

  static async in(...regions: readonly string[]): Promise<GlobalDynamoDB> {
    const world = new GlobalDynamoDB()
    for (const region of regions) {
      const stub = await StubEndpoint.start(({ operation, input }) => world.#answer(region, operation, input))
      world.#stubs.set(region, stub)
      onTestFinished(() => stub.close())
    }
    return world
  }

  endpointOf(region: string): { region: string; endpoint: string } {
    return { region, endpoint: this.#stubs.get(region)?.url ?? '' }
  }

  /** Options for a table in the first Region. */
  options(replicas: readonly string[]): CreateTableOptions {
    return {
      ...this.endpointOf('us-east-1'),
      replicas: replicas.map(region => this.endpointOf(region)),
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      onWarning: () => undefined,
    }
  }

  #answer(region: string, operation: string, input: Readonly<Record<string, unknown>>): StubAnswer {
    const intercepted = this.intercept(region, operation)
    if (intercepted !== undefined) return intercepted
    if (!operation.startsWith('Describe')) this.changes.push([region, operation, input])
    const isHome = region === 'us-east-1'
    const isThere =
      this.table !== undefined && (isHome || this.replicas.some(({ RegionName }) => RegionName === region))
    switch (operation) {
      case 'CreateTable':
        this.table = input
        return ok({ TableDescription: {} })
      case 'UpdateTable': {
        const created = (field: string): string[] =>
          ((input[field] ?? []) as { Create: { RegionName: string } }[]).map(
            ({ Create }) => Create.RegionName,
          )
        for (const RegionName of created('ReplicaUpdates'))
          this.replicas.push({ RegionName, ReplicaStatus: '' })
        for (const RegionName of created('GlobalTableWitnessUpdates')) {
          this.witnesses.push({ RegionName, WitnessStatus: 'ACTIVE' })
        }
        this.consistency = input['MultiRegionConsistency'] === 'STRONG' ? 'STRONG' : 'EVENTUAL'
        for (const replica of this.replicas) replica.ReplicaStatus ||= this.describedAs[0] ?? 'ACTIVE'
        return ok({ TableDescription: {} })
      }
      case 'DescribeTable': {
        if (!isThere) return refusal('ResourceNotFoundException')
        const Table = {
          ...this.table,
          TableStatus: 'ACTIVE',
          BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
          GlobalSecondaryIndexes: [this.table?.['GlobalSecondaryIndexes']]
            .flat()
            .map(index => Object.assign({ IndexStatus: 'ACTIVE' }, index)),
          Replicas: this.replicas.map(replica => ({ ...replica })),
          GlobalTableWitnesses: this.witnesses,
          MultiRegionConsistency: this.consistency,
        }
        for (const replica of this.replicas) {
          replica.ReplicaStatus =
            this.describedAs[this.describedAs.indexOf(replica.ReplicaStatus) + 1] ?? replica.ReplicaStatus
        }
        return ok({ Table })
      }
      case 'UpdateTimeToLive':
        if (this.timeToLive.has(region)) return refusal('ValidationException')
        this.timeToLive.set(region, { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' })
        return ok({})
      case 'DescribeTimeToLive':
        return ok({ TimeToLiveDescription: this.timeToLive.get(region) ?? { TimeToLiveStatus: 'DISABLED' } })
      default:
        return refusal('UnknownOperationException')
    }
  }
}

function ok(body: object): StubAnswer {
  return { statusCode: 200, body }
}

function refusal(code: string): StubAnswer {
  return {
    statusCode: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: 'as scripted' },
  }
}

describe('createTable with replicas', () => {
  test('adds them one after the other, and time to live in each', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2', 'eu-west-1')
    const result = await createTable(world.options(['us-west-2', 'eu-west-1']))
    expect(result).toEqual({ created: true, warnings: [] })
    expect(world.changes.map(([region, operation]) => `${region} ${operation}`)).toEqual([
      'us-east-1 CreateTable',
      'us-east-1 UpdateTimeToLive',
      'us-east-1 UpdateTable',
      'us-east-1 UpdateTable',
      'us-west-2 UpdateTimeToLive',
      'eu-west-1 UpdateTimeToLive',
    ])
    expect(world.changes[0]?.[2]).toMatchObject({
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    })
    expect(world.changes[2]?.[2]).toEqual({
      TableName: 'sessions',
      ReplicaUpdates: [{ Create: { RegionName: 'us-west-2' } }],
    })
    // What is there is left as it is.
    world.changes.length = 0
    const again = await createTable(world.options(['us-west-2', 'eu-west-1']))
    expect(again).toEqual({ created: false, warnings: [] })
    expect(world.changes).toEqual([])
  })

  test('with strong consistency makes all of them at once, without time to live, and says what that means', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
    const options = { ...world.options(['us-west-2']), consistency: 'strong', witness: 'us-east-2' } as const
    const { warnings } = await createTable(options)
    expect(world.changes.map(([, operation]) => operation)).toEqual(['CreateTable', 'UpdateTable'])
    expect(world.changes[0]?.[2]).not.toHaveProperty('StreamSpecification')
    expect(world.changes[1]?.[2]).toEqual({
      TableName: 'sessions',
      MultiRegionConsistency: 'STRONG',
      ReplicaUpdates: [{ Create: { RegionName: 'us-west-2' } }],
      GlobalTableWitnessUpdates: [{ Create: { RegionName: 'us-east-2' } }],
    })
    expect(warnings.join('\n')).toContain('collect garbage regularly')
    expect(warnings.join('\n')).toContain('no transactions')
  })

  test('goes on where another process, or a lost response, has added one', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
    let lost = 0
    world.intercept = (_region, operation) => {
      if (operation !== 'UpdateTable' || lost++ > 0) return undefined
      world.replicas.push({ RegionName: 'us-west-2', ReplicaStatus: 'CREATING' })
      return refusal('ResourceInUseException')
    }
    expect(await createTable(world.options(['us-west-2']))).toEqual({ created: true, warnings: [] })
    expect(lost).toBe(1)
  })

  test('fails with what DynamoDB says when a replica cannot be added', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
    world.intercept = (_region, operation) =>
      operation === 'UpdateTable' ? refusal('ValidationException') : undefined
    expect(await rejectionOf(createTable(world.options(['us-west-2'])))).toMatchObject({
      awsCode: 'ValidationException',
    })
  })

  test('says which replica was not active in time', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
    world.describedAs = ['CREATING']
    const error = await rejectionOf(createTable({ ...world.options(['us-west-2']), waitTimeoutMs: 2000 }))
    expect(error).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('it is ACTIVE, us-west-2 is CREATING') as string,
    })
  })

  test('never changes a table that was there, and says how to', async () => {
    const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
    await createTable({ ...world.options([]), replicas: undefined })
    world.changes.length = 0
    const { created, warnings } = await createTable(world.options(['us-west-2']))
    expect([created, world.changes]).toEqual([false, []])
    expect(warnings).toEqual([expect.stringContaining('has no replica in us-west-2')])
    expect(warnings[0]).toContain('aws dynamodb update-table --table-name sessions --replica-updates')
  })

  test.each([
    [{ consistency: 'strong' }, 'must name two regions'],
    [{ witness: 'us-east-2' }, 'has a witness only where "consistency" is \'strong\''],
    [{ billing: { readCapacityUnits: 1, writeCapacityUnits: 1 } }, 'needs on-demand billing'],
    [{ region: 'us-west-2' }, 'names "us-west-2", which is the Region of the store'],
    [
      { replicas: undefined, consistency: 'strong' },
      'the option "consistency" goes with the option "replicas"',
    ],
    [{ replicas: [] }, 'must be an array of at least one AWS region'],
    [{ replicas: ['us-west-2', 'us-est-2'] }, "received 'us-est-2'; did you mean us-east-2?"],
    [{ consistency: 'strong', witness: 'us-est-2' }, "received 'us-est-2'; did you mean us-east-2?"],
  ] as const)('refuses %j', async (changes, message) => {
    const options: CreateTableOptions = { region: 'us-east-1', replicas: ['us-west-2'], ...changes }
    expect(await rejectionOf(createTable(options))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(message) as string,
    })
  })
})

test('checkTable looks at the Regions of the failover', async () => {
  const world = await GlobalDynamoDB.in('us-east-1', 'us-west-2')
  const { replicas, onWarning, ...options } = world.options(['us-west-2'])
  await createTable({ ...options, replicas, onWarning })
  world.timeToLive.set('us-west-2', { TimeToLiveStatus: 'DISABLED' })
  const failover = { regions: replicas ?? [] }
  const { state, findings } = await checkTable({ ...options, failover })
  expect(state).toMatchObject({
    consistency: 'eventual',
    replicas: [{ region: 'us-west-2', status: 'ACTIVE', isWitness: false }],
  })
  expect(findings.filter(({ level }) => level !== 'pass').map(({ what }) => what)).toEqual([
    'us-west-2: time to live is DISABLED on table "sessions", so that expired sessions are never deleted',
  ])
  expect(findings.map(({ what }) => what)).toContain('table "sessions" has replicas in us-west-2')
})
