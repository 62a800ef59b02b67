import { describe, expect, test } from 'vitest'

import {
  billingFinding,
  keyFinding,
  statusFinding,
  timeToLiveFinding,
  userIndexFinding,
} from '../../../src/table/findings.ts'
import type { TableState, UserIndexState } from '../../../src/table/table-state.ts'

const projected: readonly string[] = ['created', 'expires', 'expiresMs']

const userIndex: UserIndexState = {
  status: 'ACTIVE',
  key: [{ name: 'user', role: 'HASH', type: 'S' }],
  projected,
}

const right: TableState = {
  table: 'sessions',
  status: 'ACTIVE',
  key: [{ name: 'id', role: 'HASH', type: 'S' }],
  billing: 'on-demand',
  timeToLive: { status: 'ENABLED', attribute: 'expires' },
  userIndex,
  replicas: [],
  consistency: undefined,
  itemCount: 7,
  sizeBytes: 700,
}

const native = { layout: 'native', ttlAttribute: 'expires' }

const provisioned = { readCapacityUnits: 4, writeCapacityUnits: 5 }

describe('status', () => {
  test.each([
    ['ACTIVE', 'pass'],
    ['UPDATING', 'pass'],
    ['CREATING', 'fail'],
    ['DELETING', 'fail'],
    ['INACCESSIBLE_ENCRYPTION_CREDENTIALS', 'fail'],
    ['unknown', 'fail'],
  ])('%s: %s', (status, level) => {
    const finding = statusFinding({ ...right, status })
    expect(finding.level).toBe(level)
    expect(finding.what).toContain(status)
  })
})

describe('key', () => {
  test.each([
    ['the right one', right.key, 'pass'],
    ['another name', [{ name: 'sid', role: 'HASH', type: 'S' }], 'fail'],
    ['another type', [{ name: 'id', role: 'HASH', type: 'B' }], 'fail'],
    ['an unknown type', [{ name: 'id', role: 'HASH', type: undefined }], 'fail'],
    ['a sort key', [...right.key, { name: 'sort', role: 'RANGE', type: 'S' }], 'fail'],
    ['none', [], 'fail'],
  ] as const)('%s: %s', (_name, key, level) => {
    expect(keyFinding({ ...right, key }, 'id').level).toBe(level)
  })

  test('of another name is a matter of the option', () => {
    const key = [{ name: 'sid', role: 'HASH', type: 'S' }] as const
    expect(keyFinding({ ...right, key }, 'id').fix).toContain('the option "partitionKey"')
  })

  test.each([
    ['a number', [{ name: 'id', role: 'HASH', type: 'N' }]],
    ['a number of another name', [{ name: 'sid', role: 'HASH', type: 'N' }]],
    ['one with a sort key', [...right.key, { name: 'sort', role: 'RANGE', type: 'S' }]],
  ] as const)('that is %s takes another table, and no option helps', (_name, key) => {
    const { fix = '' } = keyFinding({ ...right, key }, 'id')
    expect(fix).toMatch(/^use another table: .*type S and no sort key.*create-table/)
    expect(fix).not.toContain('partitionKey')
  })
})

describe('billing', () => {
  test.each([
    ['on-demand', undefined, 'pass'],
    ['on-demand', 'on-demand', 'pass'],
    ['on-demand', provisioned, 'warn'],
    [provisioned, undefined, 'pass'],
    [provisioned, { readCapacityUnits: 1, writeCapacityUnits: 1 }, 'pass'],
    [provisioned, 'on-demand', 'warn'],
  ] as const)('%o where %o was asked for: %s', (billing, asked, level) => {
    expect(billingFinding({ ...right, billing }, asked).level).toBe(level)
  })

  test('says how to change it', () => {
    expect(billingFinding({ ...right, billing: provisioned }, 'on-demand').fix).toBe(
      'change it: aws dynamodb update-table --table-name sessions --billing-mode PAY_PER_REQUEST',
    )
    expect(billingFinding(right, provisioned).fix).toBe(
      'change it: aws dynamodb update-table --table-name sessions --billing-mode PROVISIONED ' +
        '--provisioned-throughput ReadCapacityUnits=4,WriteCapacityUnits=5',
    )
  })
})

describe('time to live', () => {
  test.each([
    ['enabled', { status: 'ENABLED', attribute: 'expires' }, 'pass'],
    ['being enabled', { status: 'ENABLING', attribute: 'expires' }, 'pass'],
    ['disabled', { status: 'DISABLED', attribute: undefined }, 'warn'],
    ['being disabled', { status: 'DISABLING', attribute: 'expires' }, 'warn'],
    ['on another attribute', { status: 'ENABLED', attribute: 'ttl' }, 'warn'],
    ['unknown to the engine', undefined, 'warn'],
  ] as const)('%s: %s', (_name, timeToLive, level) => {
    expect(timeToLiveFinding({ ...right, timeToLive }, native).level).toBe(level)
  })

  test('is to be on the attribute of the layout', () => {
    const serverless = { layout: 'serverless-dynamodb-session-store', ttlAttribute: 'expireTime_TTL' }
    const on = (attribute: string): TableState => ({ ...right, timeToLive: { status: 'ENABLED', attribute } })
    expect(timeToLiveFinding(on('expireTime_TTL'), serverless).level).toBe('pass')
    expect(timeToLiveFinding(on('expires'), serverless).what).toContain(
      'on attribute "expires", not on "expireTime_TTL"',
    )
    const off: TableState = { ...right, timeToLive: { status: 'DISABLED', attribute: undefined } }
    expect(timeToLiveFinding(off, serverless).fix).toContain('AttributeName=expireTime_TTL')
  })

  test.each([undefined, { status: 'DISABLED', attribute: undefined }, right.timeToLive])(
    'is of no use to a layout without an expiry in seconds, and garbage has to be collected: %o',
    timeToLive => {
      const finding = timeToLiveFinding(
        { ...right, timeToLive },
        { layout: 'adonis', ttlAttribute: undefined },
      )
      expect(finding).toMatchObject({ level: 'warn', what: expect.stringContaining('"adonis"') as unknown })
      expect(finding.fix).toContain('gc --table sessions --layout adonis')
      expect(finding.fix).not.toContain('update-time-to-live')
    },
  )
})

describe('index by user', () => {
  test.each([
    ['the right one', userIndex, 'pass'],
    ['with all attributes', { ...userIndex, projected: 'ALL' }, 'pass'],
    ['with more attributes', { ...userIndex, projected: [...projected, 'rev'] }, 'pass'],
    ['being updated', { ...userIndex, status: 'UPDATING' }, 'pass'],
    ['being built', { ...userIndex, status: 'CREATING' }, 'warn'],
    ['keys only', { ...userIndex, projected: [] }, 'warn'],
    ['on another attribute', { ...userIndex, key: [{ name: 'owner', role: 'HASH', type: 'S' }] }, 'warn'],
    [
      'with a sort key',
      { ...userIndex, key: [...userIndex.key, { name: 'x', role: 'RANGE', type: 'S' }] },
      'warn',
    ],
    ['none', undefined, 'warn'],
  ] as const)('%s: %s', (_name, state, level) => {
    const finding = userIndexFinding({ ...right, userIndex: state })
    expect(finding.level).toBe(level)
    expect(finding.fix === undefined).toBe(level === 'pass')
  })

  test('names the attributes that are missing', () => {
    const { what } = userIndexFinding({ ...right, userIndex: { ...userIndex, projected: ['created'] } })
    expect(what).toMatch(/does not have expires, expiresMs,/)
  })

  test('says how to add it, with capacity where the table has that', () => {
    const command =
      'aws dynamodb update-table --table-name sessions --attribute-definitions AttributeName=user,AttributeType=S ' +
      '--global-secondary-index-updates "Create={IndexName=user-index,' +
      'KeySchema=[{AttributeName=user,KeyType=HASH}],' +
      'Projection={ProjectionType=INCLUDE,NonKeyAttributes=[expires,expiresMs,created]}'
    expect(userIndexFinding({ ...right, userIndex: undefined }).fix).toContain(`${command}}"`)
    expect(userIndexFinding({ ...right, userIndex: undefined, billing: provisioned }).fix).toContain(
      `${command},ProvisionedThroughput={ReadCapacityUnits=4,WriteCapacityUnits=5}}"`,
    )
  })
})
