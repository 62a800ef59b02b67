import { describe, expect, test, vi } from 'vitest'

import {
  booleanOption,
  integerOption,
  objectOption,
  type OptionRows,
  readOptions,
  secondsOption,
  textOption,
  validateOptionsOf,
  wordOption,
} from '../../../src/internal/option.ts'

interface Options {
  readonly color?: string | undefined
  readonly maxThings?: number | undefined
  readonly isOn?: boolean | undefined
  readonly list?: readonly string[] | undefined
  readonly callback?: (() => void) | undefined
}

const specs: OptionRows<Options> = {
  color: textOption('a colour', text => text !== 'none'),
  maxThings: integerOption('things', 1, 20),
  isOn: booleanOption(),
  list: {
    takes: 'an array of names, none twice',
    takesAsText: 'names, separated by commas',
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) && new Set(value).size === value.length,
    fromText: text => text.split(','),
  },
  callback: {
    takes: 'a function',
    accepts: (value): value is () => void => typeof value === 'function',
  },
}

function read(given: unknown, environment: Record<string, string> = {}): Partial<Options> {
  return readOptions<Options>(given, specs, environment)
}

function messageOf(given: unknown, environment: Record<string, string> = {}): string {
  try {
    read(given, environment)
  } catch (error) {
    if (error instanceof TypeError && Reflect.get(error, 'code') === 'INVALID_OPTION') return error.message
    throw error
  }
  throw new Error('the options were accepted')
}

function callback(): void {
  // An option may be a function; this one has nothing to do.
}

describe('the options', () => {
  test.each([[undefined], [{}], [Object.create(null)], [{ color: undefined, maxThings: undefined }]])(
    'may be %j',
    given => {
      expect(read(given)).toStrictEqual({})
    },
  )

  test.each<[unknown, string]>([
    [null, 'null'],
    [[], 'an array'],
    [[{ color: 'red' }], 'an array'],
    ['', 'an empty string'],
    ['hunter2', 'a string'],
    [7, 'the number 7'],
    [true, 'true'],
    [() => ({}), 'a value of type function'],
    [Symbol('hunter2'), 'a value of type symbol'],
    [7n, 'a value of type bigint'],
  ])('cannot be %s', (given, kind) => {
    expect(messageOf(given)).toBe(`the options must be an object; received ${kind}`)
  })

  test('are taken as they are, and only those that were given', () => {
    expect(read({ color: 'red', maxThings: 1, isOn: false, callback })).toStrictEqual({
      color: 'red',
      maxThings: 1,
      isOn: false,
      callback,
    })
    expect(read({ maxThings: 20 })).toStrictEqual({ maxThings: 20 })
  })

  test('are not changed', () => {
    const given = Object.freeze({ color: 'red' })
    expect(read(given)).not.toBe(given)
  })
})

describe('an unknown option', () => {
  const known = '(the options are: color, maxThings, isOn, list, callback)'

  test.each([
    ['whatever', ''],
    ['colro', '; did you mean "color"?'],
    ['Color', '; did you mean "color"?'],
    ['colors', '; did you mean "color"?'],
    ['colorName', '; did you mean "color"?'],
    ['max_things', '; did you mean "maxThings"?'],
    ['MAX-THINGS', '; did you mean "maxThings"?'],
    ['maxThing', '; did you mean "maxThings"?'],
    ['ison', '; did you mean "isOn"?'],
    ['toString', ''],
    ['constructor', ''],
    ['hasOwnProperty', ''],
    ['', ''],
  ])('%j is refused with a hint if one is alike', (name, hint) => {
    expect(messageOf({ [name]: 'hunter2' })).toBe(
      `there is no option "${name}"${hint === '' ? ` ${known}` : hint}`,
    )
  })

  test('is refused even when it is undefined, and before wrong values are', () => {
    expect(messageOf({ color: 7, nonsense: undefined })).toMatch(/^there is no option "nonsense"/)
  })

  test.each([
    ['requestHandler', /"proxy", or pass a "transport"/],
    ['useFipsEndpoint', /AWS_USE_FIPS_ENDPOINT=true/],
    ['useDualstackEndpoint', /AWS_USE_DUALSTACK_ENDPOINT=true/],
    ['retryStrategy', /set "maxAttempts" and "deadlineMs"/],
    ['logger', /diagnostics channels/],
    ['customUserAgent', /AWS_SDK_UA_APP_ID/],
    ['tls', /"endpoint"/],
    ['credentialDefaultProvider', /pass it as "credentials"/],
    ['maxRetries', /set "maxAttempts"/],
    ['accessKeyId', /pass "credentials"/],
  ])('says what stands for the option %s of the AWS SDK', (option, counterpart) => {
    const message = messageOf({ [option]: 'hunter2' })
    expect(message).toMatch(counterpart)
    expect(message.startsWith(`there is no option "${option}", as clients of the AWS SDK have it: `)).toBe(
      true,
    )
    expect(message).not.toContain('hunter2')
  })

  test('of an object with a prototype of its own is not looked for in the prototype', () => {
    class Extended {
      readonly color = 'red'
      method(): void {}
    }
    expect(read(new Extended())).toStrictEqual({ color: 'red' })
  })
})

describe('a wrong value', () => {
  test.each<[object, string]>([
    [{ color: 7 }, 'the option "color" must be a colour; received the number 7'],
    [{ color: null }, 'the option "color" must be a colour; received null'],
    [{ color: 'none' }, 'the option "color" must be a colour; received a string'],
    [
      { maxThings: 0 },
      'the option "maxThings" must be a whole number of things from 1 to 20; received the number 0',
    ],
    [
      { maxThings: 21 },
      'the option "maxThings" must be a whole number of things from 1 to 20; received the number 21',
    ],
    [
      { maxThings: 1.5 },
      'the option "maxThings" must be a whole number of things from 1 to 20; received the number 1.5',
    ],
    [
      { maxThings: Number.NaN },
      'the option "maxThings" must be a whole number of things from 1 to 20; received the number NaN',
    ],
    [
      { maxThings: '5' },
      'the option "maxThings" must be a whole number of things from 1 to 20; received a string',
    ],
    [{ isOn: 'true' }, 'the option "isOn" must be true or false; received a string'],
    [{ isOn: 0 }, 'the option "isOn" must be true or false; received the number 0'],
    [{ list: ['a', 'a'] }, 'the option "list" must be an array of names, none twice; received an array'],
    [
      { list: [undefined, undefined] },
      'the option "list" must be an array of names, none twice; received an array with undefined in it: the variable ' +
        'that it comes from is not set',
    ],
    [{ callback: true }, 'the option "callback" must be a function; received true'],
    [{ callback: [] }, 'the option "callback" must be a function; received an array'],
    [{ callback: {} }, 'the option "callback" must be a function; received a value of type object'],
  ])('%j', (given, message) => {
    expect(messageOf(given)).toBe(message)
  })
})

describe('the environment', () => {
  test('has each option in upper case with underscores, where a text can carry it', () => {
    expect(
      read(undefined, {
        DYNAMODB_SESSIONS_COLOR: 'red',
        DYNAMODB_SESSIONS_MAX_THINGS: '7',
        DYNAMODB_SESSIONS_IS_ON: 'true',
        DYNAMODB_SESSIONS_CALLBACK: 'callback',
      }),
    ).toStrictEqual({ color: 'red', maxThings: 7, isOn: true })
    expect(read({}, { DYNAMODB_SESSIONS_IS_ON: 'false' })).toStrictEqual({ isOn: false })
  })

  test('is asked for what is absent or undefined, and comes second', () => {
    const environment = { DYNAMODB_SESSIONS_COLOR: 'red', DYNAMODB_SESSIONS_IS_ON: 'true' }
    expect(read({ color: 'blue', isOn: undefined }, environment)).toStrictEqual({ color: 'blue', isOn: true })
    expect(read({ isOn: false }, environment)).toStrictEqual({ color: 'red', isOn: false })
    expect(read({ color: '' }, environment)).toMatchObject({ color: '' })
  })

  test('is not asked for an option that was given, even a broken variable', () => {
    expect(read({ maxThings: 2 }, { DYNAMODB_SESSIONS_MAX_THINGS: 'hunter2' })).toEqual({ maxThings: 2 })
  })

  test('with an empty variable is as one without', () => {
    expect(read({}, { DYNAMODB_SESSIONS_COLOR: '', DYNAMODB_SESSIONS_MAX_THINGS: '' })).toStrictEqual({})
  })

  test('may have variables that are no options', () => {
    expect(read({}, { DYNAMODB_SESSIONS_NONSENSE: 'x', COLOR: 'red' })).toStrictEqual({})
  })

  test.each<[string, string, string]>([
    ['DYNAMODB_SESSIONS_COLOR', 'none', 'must be a colour; received another value'],
    ['DYNAMODB_SESSIONS_IS_ON', 'hunter2', 'must be true or false; received another value'],
    ['DYNAMODB_SESSIONS_IS_ON', 'TRUE', 'must be true or false; received another value'],
    ['DYNAMODB_SESSIONS_IS_ON', '1', 'must be true or false; received another value'],
    [
      'DYNAMODB_SESSIONS_MAX_THINGS',
      'hunter2',
      'must be a whole number of things from 1 to 20; received another value',
    ],
    [
      'DYNAMODB_SESSIONS_MAX_THINGS',
      '99',
      'must be a whole number of things from 1 to 20; received the number 99',
    ],
    [
      'DYNAMODB_SESSIONS_MAX_THINGS',
      ' ',
      'must be a whole number of things from 1 to 20; received nothing but blanks',
    ],
    ['DYNAMODB_SESSIONS_COLOR', '\t', 'must be a colour; received nothing but blanks'],
    ['DYNAMODB_SESSIONS_LIST', 'a,a', 'must be names, separated by commas; received another value'],
    [
      'DYNAMODB_SESSIONS_MAX_THINGS',
      '5 things',
      'must be a whole number of things from 1 to 20; received another value',
    ],
  ])('%s=%s is refused by the name of the variable', (variable, value, rest) => {
    expect(messageOf({}, { [variable]: value })).toBe(`the environment variable ${variable} ${rest}`)
  })

  test('are told all at once where several are wrong', () => {
    const message = messageOf(
      { isOn: 'yes' },
      { DYNAMODB_SESSIONS_COLOR: 'none', DYNAMODB_SESSIONS_MAX_THINGS: '99' },
    )
    expect(message.split('; ').filter(part => part.includes('must be'))).toEqual([
      'the environment variable DYNAMODB_SESSIONS_COLOR must be a colour',
      'the environment variable DYNAMODB_SESSIONS_MAX_THINGS must be a whole number of things from 1 to 20',
      'the option "isOn" must be true or false',
    ])
  })
})

describe('an option that takes an object', () => {
  const size: OptionRows<{ size: boolean | { width: number; unit?: 'mm' | 'cm' } }> = {
    size: objectOption(
      'true, false or an object { width, unit? }',
      { width: { ...integerOption('units', 1, 9), isRequired: true }, unit: wordOption(['mm', 'cm']) },
      booleanOption(),
    ),
  }
  const refusalOf = (value: unknown): string => {
    try {
      validateOptionsOf('draw', { size: value }, size)
    } catch (error) {
      return String(Reflect.get(Object(error), 'message'))
    }
    return 'accepted'
  }

  test.each([
    [true],
    [{ width: 2 }],
    [{ width: 2, unit: 'cm' }],
    [{ width: 2, unit: undefined, other: undefined }],
  ])('takes %j', value => {
    expect(refusalOf(value)).toBe('accepted')
  })

  test.each([
    [{ widht: 2 }, 'an object with an unknown "widht"; did you mean "width"?'],
    [{ unit: 'mm' }, 'an object without "width"'],
    [
      { width: 12 },
      'an object whose "width" must be a whole number of units from 1 to 9; received the number 12',
    ],
    [
      { width: 1, unit: 'cmx' },
      `an object whose "unit" must be one of 'mm', 'cm'; received 'cmx'; did you mean cm?`,
    ],
    [{ width: 1, constructor: 1 }, 'an object with an unknown "constructor"'],
    ['true', 'a string'],
    [[], 'an array'],
  ])('refuses %j and says what is wrong in it', (value, received) => {
    expect(refusalOf(value)).toBe(
      `the option "size" of draw must be true, false or an object { width, unit? }; received ${received}`,
    )
  })
})

test('an option of calls, which may be computed anew for each, is warned of a few times (G12)', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const rows = { lifetimeSeconds: secondsOption() }
  for (let call = 0; call < 50; call++) {
    validateOptionsOf('keep', { lifetimeSeconds: 40_000_000 + call }, rows)
  }
  expect(warned).toHaveBeenCalledTimes(5)
  warned.mockRestore()
})
