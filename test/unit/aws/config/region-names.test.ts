import { describe, expect, test } from 'vitest'

import {
  isHostLabel,
  isRegionName,
  realRegion,
  regionMeant,
} from '../../../../src/aws/config/region-names.ts'

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
