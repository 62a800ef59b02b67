import { expect, test } from 'vitest'

import { isUserId } from '../../../src/layouts/user-index.ts'

test.each([
  ['a name', 'ada', true],
  ['one character', '0', true],
  ['2048 bytes', 'é'.repeat(1024), true],
  ['more than 2048 bytes', `${'é'.repeat(1024)}a`, false],
  ['an empty text', '', false],
  ['a number', 7, false],
  ['nothing', undefined, false],
])('%s as user ID: %s', (_name, value, expected) => {
  expect(isUserId(value)).toBe(expected)
})
