import { describe, expect, it } from 'vitest'

import {
  checkPreloadSettings,
  isOptional,
  replacesConnectDynamodb,
} from '../../../src/register/preload-settings.ts'

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
    expect(() => {
      checkPreloadSettings(environment)
    }).not.toThrow()
  })

  it.each([
    [undefined, false],
    ['', false],
    ['connect-dynamodb', true],
  ])('DYNAMODB_SESSIONS_REPLACE=%s', (value, replaces) => {
    const environment = { DYNAMODB_SESSIONS_REPLACE: value }
    expect(replacesConnectDynamodb(environment)).toBe(replaces)
    expect(() => {
      checkPreloadSettings(environment)
    }).not.toThrow()
  })

  it.each([
    ['DYNAMODB_SESSIONS_OPTIONAL', 'yes'],
    ['DYNAMODB_SESSIONS_OPTIONAL', 'toString'],
    ['DYNAMODB_SESSIONS_REPLACE', 'redis'],
  ])('%s=%s is refused with the name of the variable, without its value', (name, value) => {
    const check = (): void => {
      checkPreloadSettings({ [name]: value })
    }
    expect(check).toThrow(expect.objectContaining({ name: 'TypeError', code: 'INVALID_OPTION' }))
    expect(check).toThrow(`the environment variable ${name} must be `)
    expect(check).not.toThrow(value)
  })
})
