import { describe, expect, test } from 'vitest'

import type { Environment } from '../../../src/config/environment.ts'
import { realRegion, REGION_VARIABLES, regionFromEnvironment } from '../../../src/config/region.ts'

describe('regionFromEnvironment', () => {
  test.each<[Environment, string | undefined, string | undefined]>([
    [{}, undefined, undefined],
    [{ AWS_REGION: 'eu-west-1' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: '  ', AWS_DEFAULT_REGION: 'eu-west-2' }, 'AWS_DEFAULT_REGION', 'eu-west-2'],
    [{ AWS_REGION: '', AWS_DEFAULT_REGION: '' }, undefined, undefined],
    [{ AWS_REGION: ' eu-west-1\n' }, 'AWS_REGION', 'eu-west-1'],
    [{ AWS_REGION: undefined }, undefined, undefined],
    [{ REGION: 'eu-west-1', aws_region: 'eu-west-1' }, undefined, undefined],
  ])('%j: %s', (environment, variable, value) => {
    expect(regionFromEnvironment(environment)).toEqual(
      variable === undefined ? undefined : { variable, value },
    )
  })
})

test('the variables are listed in the order in which they are looked at', () => {
  expect(REGION_VARIABLES).toEqual(['AWS_REGION', 'AWS_DEFAULT_REGION'])
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
