import { expect, test } from 'vitest'

import { booleanSetting, isSwitchedOn, variable } from '../../../src/config/environment.ts'

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
