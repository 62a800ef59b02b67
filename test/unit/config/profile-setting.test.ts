import { expect, test } from 'vitest'

import { settingOf } from '../../../src/config/profile-setting.ts'

const toNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)

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
