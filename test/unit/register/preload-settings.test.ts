import { describe, expect, it } from 'vitest'

import { isOptional, isReplaced } from '../../../src/register/preload-settings.ts'

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
    ['DYNAMODB_SESSIONS_OPTIONAL', 'yes'],
    ['DYNAMODB_SESSIONS_OPTIONAL', 'toString'],
    ['DYNAMODB_SESSIONS_REPLACE', 'redis'],
    ['DYNAMODB_SESSIONS_REPLACE', 'connect-dynamodb,redis'],
    ['DYNAMODB_SESSIONS_REPLACE', 'connect-dynamodb;redis'],
  ])('%s=%s is refused with the name of the variable, without its value', (name, value) => {
    const check = (): void => {
      isReplaced('connect-dynamodb', { [name]: value })
    }
    expect(check).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_OPTION' }))
    expect(check).toThrow(`the environment variable ${name} must be `)
    expect(check).not.toThrow(value)
  })
})
