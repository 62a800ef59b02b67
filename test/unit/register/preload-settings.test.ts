import { describe, expect, it } from 'vitest'

import { isOptional, isReplaced } from '../../../src/register/default-store.ts'

describe('settings of the preload', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['0', false],
    ['false', false],
    ['1', true],
    ['true', true],
  ])('DYNAMODB_SESSIONS_OPTIONAL=%s', (value, optional) => {
    const environment = { DYNAMODB_SESSIONS_OPTIONAL: value }
    expect(isOptional(environment)).toBe(optional)
    expect(isReplaced('connect-dynamodb', environment)).toBe(false)
  })

  it.each([
    [undefined, false],
    ['', false],
    ['connect-dynamodb', true],
    ['koa-session', false],
    ['koa-session,connect-dynamodb', true],
    [' koa-session , connect-dynamodb ', true],
  ])('DYNAMODB_SESSIONS_REPLACE=%s', (value, replaces) => {
    const environment = { DYNAMODB_SESSIONS_REPLACE: value }
    expect(isReplaced('connect-dynamodb', environment)).toBe(replaces)
  })

  it.each([
    // One of a few words: what was received is no secret.
    ['DYNAMODB_SESSIONS_OPTIONAL', 'yes', true],
    ['DYNAMODB_SESSIONS_OPTIONAL', 'toString', true],
    ['DYNAMODB_SESSIONS_REPLACE', 'redis', false],
    ['DYNAMODB_SESSIONS_REPLACE', 'connect-dynamodb,redis', false],
    ['DYNAMODB_SESSIONS_REPLACE', 'connect-dynamodb;redis', false],
  ])(
    '%s=%s is refused with the name of the variable; its value is repeated: %s',
    (name, value, isRepeated) => {
      const check = (): void => {
        isReplaced('connect-dynamodb', { [name]: value })
      }
      expect(check).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_OPTION' }))
      expect(check).toThrow(`the environment variable ${name} must be `)
      expect(messageOf(check).includes(value)).toBe(isRepeated)
    },
  )
})

function messageOf(check: () => void): string {
  try {
    check()
    return ''
  } catch (error) {
    return String(error)
  }
}
