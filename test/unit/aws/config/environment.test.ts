import { describe, expect, test } from 'vitest'

import {
  booleanSetting,
  type Environment,
  isSwitchedOn,
  REGION_VARIABLES,
  regionFromEnvironment,
  settingOf,
  variable,
} from '../../../../src/aws/config/environment.ts'

test('an empty variable is an unset one', () => {
  expect(variable({ A: '' }, 'A')).toBeUndefined()
  expect(variable({}, 'A')).toBeUndefined()
  expect(variable({ A: ' ' }, 'A')).toBe(' ')
})

test.each([
  [undefined, false],
  ['', false],
  ['false', false],
  ['FALSE', false],
  ['true', true],
  ['0', true],
  ['anything', true],
])('a switch set to %j is %j', (value, isOn) => {
  expect(isSwitchedOn({ A: value }, 'A')).toBe(isOn)
})

test.each([
  ['true', true],
  ['True', true],
  ['false', false],
  ['FALSE', false],
  ['1', undefined],
  ['yes', undefined],
  ['', undefined],
  [' true', undefined],
  [undefined, undefined],
])('the text %j means %j', (text, value) => {
  expect(booleanSetting(text)).toBe(value)
})

describe('settingOf', () => {
  test.each([
    ['the variable wins', '1', '2', 1],
    ['an unset variable leaves it to the profile', undefined, '2', 2],
    ['so does an empty one', '', '2', 2],
    ['so does one that cannot be used', 'many', '2', 2],
    ['an unusable property is as good as none', undefined, 'many', undefined],
    ['zero is a value', '0', '2', 0],
    ['nothing is nothing', undefined, undefined, undefined],
  ])('%s', (_, inEnvironment, inProfile, value) => {
    const profile = new Map(inProfile === undefined ? [] : [['setting', inProfile]])
    expect(settingOf({ SETTING: inEnvironment }, profile, 'SETTING', 'setting', toNumber)).toBe(value)
  })

  test('a profile need not exist', () => {
    expect(settingOf({}, undefined, 'SETTING', 'setting', toNumber)).toBeUndefined()
  })
})

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
  ])('%j: %s', (environment, name, value) => {
    expect(regionFromEnvironment(environment)).toEqual(
      name === undefined ? undefined : { variable: name, value },
    )
  })
})

test('the variables are listed in the order in which they are looked at', () => {
  expect(REGION_VARIABLES).toEqual(['AWS_REGION', 'AWS_DEFAULT_REGION'])
})

function toNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}
