import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import {
  isHostLabel,
  isRegionName,
  partitionOf,
  realRegion,
  regionMeant,
} from '../../../../src/aws/config/partitions.ts'

describe('partitionOf', () => {
  test.each([
    ['us-east-1', 'aws', 'amazonaws.com', 'api.aws'],
    ['mx-central-1', 'aws', 'amazonaws.com', 'api.aws'],
    ['cn-northwest-1', 'aws-cn', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
    ['us-gov-east-1', 'aws-us-gov', 'amazonaws.com', 'api.aws'],
    ['us-iso-west-1', 'aws-iso', 'c2s.ic.gov', 'api.aws.ic.gov'],
    ['us-isob-west-1', 'aws-iso-b', 'sc2s.sgov.gov', 'api.aws.scloud'],
    ['eu-isoe-west-1', 'aws-iso-e', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
    ['us-isof-south-1', 'aws-iso-f', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
    ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ])('%s is in %s', (region, id, dnsSuffix, dualStackDnsSuffix) => {
    expect(partitionOf(region)).toEqual({ id, dnsSuffix, dualStackDnsSuffix })
  })

  test.each([
    'xx-future-9',
    'cnx-east-1',
    'cn-north',
    'us-gov-west',
    'eusc-fr-east-1',
    'local',
    'aws-global',
    '',
  ])('a region that no partition claims, such as %j, is taken for a commercial one', region => {
    expect(partitionOf(region).id).toBe('aws')
  })
})

describe('isHostLabel', () => {
  test.each(['eu-west-1', '123456789012', 'local', 'a', '1', 'x'.repeat(63)])('accepts %s', text => {
    expect(isHostLabel(text)).toBe(true)
  })

  test.each(['', '-a', 'a-', 'a.b', 'a/', 'a@b', 'a:80', 'a#b', 'a b', 'a\n', 'ü', 'x'.repeat(64)])(
    'refuses %j',
    text => {
      expect(isHostLabel(text)).toBe(false)
    },
  )
})

interface PartitionFile {
  readonly partitions: readonly {
    readonly id: string
    readonly outputs: { readonly dnsSuffix: string; readonly dualStackDnsSuffix: string }
    readonly regions: Readonly<Record<string, unknown>>
  }[]
}

const publicData = new URL('../../../../../shared/data/partitions.json', import.meta.url)

describe.skipIf(!existsSync(publicData))('the published list of partitions', () => {
  const partitions = existsSync(publicData)
    ? (JSON.parse(readFileSync(publicData, 'utf8')) as PartitionFile).partitions
    : []
  const regions = partitions.flatMap(({ id, outputs, regions: names }) =>
    Object.keys(names).map(region => ({ region, id, outputs })),
  )

  test('is complete', () => {
    expect(partitions.length).toBe(8)
  })

  test.each(regions)('$region is in $id', ({ region, id, outputs: { dnsSuffix, dualStackDnsSuffix } }) => {
    expect(partitionOf(region)).toEqual({ id, dnsSuffix, dualStackDnsSuffix })
  })
})

test.each([
  ['eu-west-1', 'eu-west-1', false],
  ['local', 'local', false],
  ['fips-us-east-1', 'us-east-1', true],
  ['us-east-1-fips', 'us-east-1', true],
  ['fips-dkr-us-east-1', 'us-east-1', true],
  ['fips-prod-us-east-1', 'us-east-1', true],
  ['fips-aws-global', 'us-east-1', true],
  ['aws-fips', 'us-east-1', true],
  ['fipsy-east-1', 'fipsy-east-1', false],
])('%s means the region %s (FIPS: %j)', (region, name, isFips) => {
  expect(realRegion(region)).toEqual({ name, isFips })
})

describe('isRegionName', () => {
  test.each(['eu-west-1', 'us-gov-east-1', 'local', 'a', '1', 'x'.repeat(63)])('accepts %s', region => {
    expect(isRegionName(region)).toBe(true)
  })

  test.each([
    '',
    '-eu-west-1',
    'eu-west-1-',
    'eu.west.1',
    'eu-west-1.evil.example',
    'evil.example/',
    'a@b',
    'a:80',
    'a#b',
    'eu west 1',
    'eu-west-1\n',
    'eü-west-1',
    'x'.repeat(64),
  ])('refuses what is not one label of a host name: %j', region => {
    expect(isRegionName(region)).toBe(false)
  })
})

test.each([
  ['eu-west-1a', 'eu-west-1'],
  ['us-gov-west-1b', 'us-gov-west-1'],
  ['us-west-2-lax-1a', 'us-west-2'],
  ['EU-WEST-1', 'eu-west-1'],
  ['eu_west_1', 'eu-west-1'],
])('%s is no region, and %s was meant', (given, meant) => {
  expect(isRegionName(given)).toBe(false)
  expect(regionMeant(given)).toBe(meant)
})

test.each(['eu-west-1', 'local', 'fips-us-east-1', 'us-east-1-fips', 'dev1a', 'a.b'])(
  'nothing else is meant by %s',
  region => {
    expect(regionMeant(region)).toBeUndefined()
  },
)
