import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import * as errors from '../../src/errors.ts'
import type { ErrorCode, InvalidArgumentCode } from '../../src/errors.ts'
import * as publicNames from '../../src/index.ts'

const {
  AccessDeniedError,
  AttemptTimeoutError,
  invalidArgument,
  invalidOption,
  invalidSessionData,
  invalidSessionId,
  ClockSkewError,
  ConfigurationError,
  ConnectionError,
  ConnectTimeoutError,
  CredentialsError,
  DeadlineExceededError,
  DynamoDBError,
  DynamoDBSessionsError,
  LockLostError,
  SessionConflictError,
  SessionCorruptError,
  SessionDecryptionError,
  SessionLockedError,
  SessionTooLargeError,
  TableMismatchError,
  TableNotFoundError,
  ThrottlingError,
  TransportError,
} = errors

/** What no error has, for the base classes, whose own codes are those of other samples. */
const someCode = 'SOME_CODE' as never

const cause = new Error('the cause')
const details = {
  awsCode: 'SomeException',
  httpStatusCode: 400,
  requestId: 'R1',
  attempts: 2,
  retryable: true,
}

interface Sample {
  readonly error: Error
  readonly name: string
  readonly code: string
  /** Base classes besides `DynamoDBSessionsError` and `Error`. */
  readonly bases: readonly (abstract new (...args: never) => Error)[]
  readonly cause?: Error
}

const samples: readonly Sample[] = [
  {
    error: new DynamoDBSessionsError(someCode, 'message', { cause }),
    name: 'DynamoDBSessionsError',
    code: 'SOME_CODE',
    bases: [],
    cause,
  },
  ...(['REGION_MISSING', 'INVALID_SETTING'] as const).map(code => ({
    error: new ConfigurationError(code, 'message', { cause }),
    name: 'ConfigurationError',
    code,
    bases: [],
    cause,
  })),
  {
    error: new CredentialsError('message', { cause, skipped: [{ provider: 'a', reason: 'b' }] }),
    name: 'CredentialsError',
    code: 'CREDENTIALS_UNAVAILABLE',
    bases: [],
    cause,
  },
  {
    error: new TransportError(someCode, 'message', { cause, retryable: false }),
    name: 'TransportError',
    code: 'SOME_CODE',
    bases: [],
    cause,
  },
  {
    error: new ConnectTimeoutError('message', { cause }),
    name: 'ConnectTimeoutError',
    code: 'CONNECT_TIMEOUT',
    bases: [TransportError],
    cause,
  },
  {
    error: new AttemptTimeoutError('message', { cause }),
    name: 'AttemptTimeoutError',
    code: 'ATTEMPT_TIMEOUT',
    bases: [TransportError],
    cause,
  },
  ...(
    [
      'CONNECTION_FAILED',
      'CONNECTION_LOST',
      'CERTIFICATE_REJECTED',
      'INVALID_RESPONSE',
      'POOL_TIMEOUT',
      'QUEUE_FULL',
    ] as const
  ).map(code => ({
    error: new ConnectionError(code, 'message', { cause, retryable: true }),
    name: 'ConnectionError',
    code,
    bases: [TransportError],
    cause,
  })),
  {
    error: new DeadlineExceededError('message', { cause }),
    name: 'DeadlineExceededError',
    code: 'DEADLINE_EXCEEDED',
    bases: [],
    cause,
  },
  {
    error: new DynamoDBError('DYNAMODB_ERROR', 'message', details, { cause }),
    name: 'DynamoDBError',
    code: 'DYNAMODB_ERROR',
    bases: [],
    cause,
  },
  {
    error: new ThrottlingError('message', details),
    name: 'ThrottlingError',
    code: 'THROTTLED',
    bases: [DynamoDBError],
  },
  {
    error: new TableNotFoundError('message', details),
    name: 'TableNotFoundError',
    code: 'TABLE_NOT_FOUND',
    bases: [DynamoDBError],
  },
  {
    error: new AccessDeniedError('message', details),
    name: 'AccessDeniedError',
    code: 'ACCESS_DENIED',
    bases: [DynamoDBError],
  },
  {
    error: new ClockSkewError('message', details),
    name: 'ClockSkewError',
    code: 'CLOCK_SKEW',
    bases: [DynamoDBError],
  },
  {
    error: new SessionTooLargeError(409_601, 409_600),
    name: 'SessionTooLargeError',
    code: 'SESSION_TOO_LARGE',
    bases: [],
  },
  {
    error: new SessionCorruptError('message'),
    name: 'SessionCorruptError',
    code: 'SESSION_CORRUPT',
    bases: [],
  },
  {
    error: new SessionDecryptionError('message', { cause }),
    name: 'SessionDecryptionError',
    code: 'SESSION_DECRYPTION_FAILED',
    bases: [],
    cause,
  },
  {
    error: new SessionConflictError('message', { attempts: 3 }),
    name: 'SessionConflictError',
    code: 'SESSION_CONFLICT',
    bases: [],
  },
  {
    error: new SessionLockedError('message', { remainingMs: 5 }),
    name: 'SessionLockedError',
    code: 'SESSION_LOCKED',
    bases: [],
  },
  { error: new LockLostError('message'), name: 'LockLostError', code: 'LOCK_LOST', bases: [] },
  {
    error: new TableMismatchError('message', ['one']),
    name: 'TableMismatchError',
    code: 'TABLE_MISMATCH',
    bases: [],
  },
]

const allBases = [TransportError, DynamoDBError, ConnectionError, DeadlineExceededError, CredentialsError]

describe.each(samples)('$name $code', ({ error, name, code, bases, cause: expectedCause }) => {
  test('has its name and code', () => {
    expect(error.name).toBe(name)
    expect(error).toHaveProperty('code', code)
    expect(error.constructor.name).toBe(name)
  })

  test('is an instance of its bases and of no other', () => {
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(DynamoDBSessionsError)
    for (const base of allBases) {
      expect(error instanceof base).toBe(bases.includes(base) || error.constructor === base)
    }
  })

  test('keeps its cause, and has none of its own making', () => {
    expect(error.cause).toBe(expectedCause)
    expect(Object.hasOwn(error, 'cause')).toBe(expectedCause !== undefined)
  })

  test('has nothing of which a framework makes the response to the visitor', () => {
    for (const property of ['status', 'statusCode', 'headers', 'expose', 'getResponse', 'getStatus']) {
      expect(property in error).toBe(false)
    }
  })

  test('says what it is when it is printed', () => {
    const printed = inspect(error)
    expect(printed.startsWith(`${name}: ${error.message}\n    at `)).toBe(true)
    expect(printed).toContain(`code: '${code}'`)
    expect(String(error)).toBe(`${name}: ${error.message}`)
    // The name is not repeated among the properties.
    expect(Object.keys(error)).not.toContain('name')
    expect(Object.keys(error)).not.toContain('message')
  })
})

test('codes tell the errors apart, and none is ENOENT, which frameworks take for "no session"', () => {
  const codes = samples.map(({ code }) => code).filter(code => code !== 'SOME_CODE')
  expect(new Set(codes).size).toBe(codes.length)
  for (const code of codes) expect(code).toMatch(/^[A-Z]{4,}(?:_[A-Z]+)*$/)
  expect(codes).not.toContain('ENOENT')
})

test('every error class has a sample here', () => {
  const classes = Object.values(errors).filter(isErrorClass)
  const sampled = new Set<unknown>(samples.map(({ error }) => error.constructor))
  expect(classes.filter(type => !sampled.has(type))).toEqual([])
})

/** Whether something is a class of errors, and not a function that makes one. */
function isErrorClass(value: object): boolean {
  return Reflect.get(value, 'prototype') instanceof Error
}

/** Every code and the class that has it: one too few or too many does not compile. */
const classOfCode: Readonly<Record<ErrorCode | InvalidArgumentCode, string>> = {
  ACCESS_DENIED: 'AccessDeniedError',
  ATTEMPT_TIMEOUT: 'AttemptTimeoutError',
  CERTIFICATE_REJECTED: 'ConnectionError',
  CLOCK_SKEW: 'ClockSkewError',
  CONNECTION_FAILED: 'ConnectionError',
  CONNECTION_LOST: 'ConnectionError',
  CONNECT_TIMEOUT: 'ConnectTimeoutError',
  COOKIES_READ_ONLY: 'DynamoDBSessionsError',
  CREDENTIALS_EXPIRED: 'AccessDeniedError',
  CREDENTIALS_UNAVAILABLE: 'CredentialsError',
  CREDENTIALS_UNKNOWN: 'AccessDeniedError',
  SIGNATURE_REJECTED: 'AccessDeniedError',
  DEADLINE_EXCEEDED: 'DeadlineExceededError',
  DYNAMODB_ERROR: 'DynamoDBError',
  INVALID_ARGUMENT: 'TypeError',
  INVALID_OPTION: 'TypeError',
  INVALID_RESPONSE: 'ConnectionError',
  INVALID_SESSION_DATA: 'TypeError',
  INVALID_SESSION_ID: 'TypeError',
  INVALID_SETTING: 'ConfigurationError',
  KEYS_NOT_LISTABLE: 'DynamoDBSessionsError',
  KEY_DERIVATION_FAILED: 'DynamoDBSessionsError',
  LOCK_LOST: 'LockLostError',
  NOT_A_COUNTER: 'DynamoDBSessionsError',
  POOL_TIMEOUT: 'ConnectionError',
  QUEUE_FULL: 'ConnectionError',
  REGION_MISSING: 'ConfigurationError',
  SESSION_CONFLICT: 'SessionConflictError',
  SESSION_CORRUPT: 'SessionCorruptError',
  SESSION_DECRYPTION_FAILED: 'SessionDecryptionError',
  SESSION_LOCKED: 'SessionLockedError',
  SESSION_TOO_LARGE: 'SessionTooLargeError',
  STORE_CLOSED: 'DynamoDBSessionsError',
  STORE_FAILED: 'DynamoDBSessionsError',
  TABLE_MISMATCH: 'TableMismatchError',
  TABLE_NOT_FOUND: 'TableNotFoundError',
  THROTTLED: 'ThrottlingError',
  TRANSACTIONS_UNSUPPORTED: 'DynamoDBSessionsError',
}

test('docs/errors.md has a row for each code, with its class', async () => {
  const text = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` +\| `(\w+)`/gm)].map(([, code = '', type = '']) => [
    code,
    type,
  ])
  expect(rows).toHaveLength(Object.keys(classOfCode).length)
  expect(Object.fromEntries(rows)).toEqual(classOfCode)
  for (const { code, name } of samples.filter(sample => sample.code !== someCode)) {
    expect(classOfCode).toHaveProperty(code, name)
  }
})

test('a switch over the code of an error narrows', () => {
  const advise = (error: InstanceType<typeof ConnectionError>): string => {
    switch (error.code) {
      case 'QUEUE_FULL':
      case 'POOL_TIMEOUT':
        return 'busy'
      case 'CERTIFICATE_REJECTED':
        return 'untrusted'
      case 'CONNECTION_FAILED':
      case 'CONNECTION_LOST':
      case 'INVALID_RESPONSE': {
        const rest: 'CONNECTION_FAILED' | 'CONNECTION_LOST' | 'INVALID_RESPONSE' = error.code
        return rest
      }
    }
  }
  expect(advise(new ConnectionError('POOL_TIMEOUT', '', { retryable: false }))).toBe('busy')
})

test('every error class is public', () => {
  const classes = Object.entries(errors).filter(([, value]) => isErrorClass(value))
  expect(Object.entries(publicNames)).toEqual(expect.arrayContaining(classes))
})

describe('details', () => {
  test('of DynamoDB’s errors', () => {
    for (const type of [ThrottlingError, TableNotFoundError, AccessDeniedError, ClockSkewError]) {
      expect(new type('message', details)).toMatchObject(details)
    }
    expect(new DynamoDBError('DYNAMODB_ERROR', 'message', details)).toMatchObject(details)
    const { requestId: _, ...withoutId } = details
    expect(new DynamoDBError('DYNAMODB_ERROR', 'message', withoutId)).toHaveProperty('requestId', undefined)
  })

  test('of transport errors: whether to try again', () => {
    expect(new ConnectTimeoutError('')).toHaveProperty('retryable', true)
    expect(new AttemptTimeoutError('')).toHaveProperty('retryable', true)
    for (const retryable of [true, false]) {
      expect(new ConnectionError('QUEUE_FULL', '', { retryable })).toHaveProperty('retryable', retryable)
    }
  })

  test('of missing credentials: who was asked', () => {
    const skipped = [{ provider: 'a', reason: 'b' }]
    expect(new CredentialsError('', { skipped })).toMatchObject({ skipped, tryNextProvider: false })
    expect(new CredentialsError('', { tryNextProvider: true })).toMatchObject({
      skipped: [],
      tryNextProvider: true,
    })
    expect(new CredentialsError('')).toMatchObject({ skipped: [], tryNextProvider: false })
  })

  test('of a session that is too large: both sizes', () => {
    expect(new SessionTooLargeError(500_000, 409_600)).toMatchObject({
      sizeBytes: 500_000,
      limitBytes: 409_600,
      message:
        'the session takes 500000 bytes as a DynamoDB item, and the limit is 409600; keep large values elsewhere and ' +
        'their keys in the session',
    })
  })

  test('of a table that is not as asked', () => {
    expect(new TableMismatchError('', ['one', 'two']).differences).toEqual(['one', 'two'])
  })
})

/** What loggers make of an error: `console.error`, and a line of JSON with its enumerable properties. */
function logsOf(error: Error): readonly string[] {
  const chain: Error[] = []
  for (let each: unknown = error; each instanceof Error; each = each.cause) chain.push(each)
  return [inspect(error), JSON.stringify(chain.map(each => [each.message, each]))]
}

function timesIn(log: string, text: string): number {
  return log.split(text).length - 1
}

describe('a logged error says a text once, and that of a cause of another kind twice', () => {
  const system = Object.assign(new Error('connect ECONNREFUSED ::1:80'), { code: 'ECONNREFUSED' })
  const connection = new ConnectionError('CONNECTION_FAILED', 'no connection', {
    cause: system,
    retryable: true,
  })
  const role = new CredentialsError('no role: no connection', { cause: connection })

  test.each<readonly [string, Error, once: readonly string[], twice: readonly string[]]>([
    [
      'the reasons of the providers',
      new CredentialsError('none: profile (no file)', {
        skipped: [{ provider: 'profile', reason: 'no file' }],
      }),
      ['no file'],
      [],
    ],
    [
      'the differences of a table',
      new TableMismatchError('key is not id; set it', ['key is not id']),
      ['key is not id'],
      [],
    ],
    ['a cause of another kind', role, ['no role', system.message], ['no connection']],
    [
      'a chain of causes in the message',
      new CredentialsError(`profile "a": ${role.message}`, { cause: role }),
      ['profile', 'no role', system.message],
      ['no connection'],
    ],
    [
      'a setting',
      new ConfigurationError('INVALID_SETTING', 'the variable: no URL', { cause: new TypeError('no URL') }),
      ['the variable'],
      ['no URL'],
    ],
  ])('%s', (_name, error, once, twice) => {
    const expected = [...once.map(text => [text, 1]), ...twice.map(text => [text, 2])]
    for (const log of logsOf(error)) {
      expect([...once, ...twice].map(text => [text, timesIn(log, text)])).toEqual(expected)
    }
  })

  test('and keeps the code of what failed beneath', () => {
    expect(role.cause).toBe(connection)
    expect(new CredentialsError(`profile "a": ${role.message}`, { cause: role }).cause).toBe(connection)
    expect(new CredentialsError('other words', { cause: role }).cause).toBe(role)
    const alone = new CredentialsError('no role')
    const wrapped = new CredentialsError('profile "a": no role', { cause: alone })
    expect(Object.hasOwn(wrapped, 'cause')).toBe(false)
  })

  test('as a deadline keeps what the last attempt met, to branch on', () => {
    const late = new DeadlineExceededError('no success in time: no connection', { cause: connection })
    expect(late.cause).toBe(connection)
  })
})

describe('mistakes of the caller', () => {
  test.each([
    ['INVALID_ARGUMENT', invalidArgument],
    ['INVALID_OPTION', invalidOption],
    ['INVALID_SESSION_ID', invalidSessionId],
    ['INVALID_SESSION_DATA', invalidSessionData],
  ])('are a TypeError with the code %s', (code, mistake) => {
    const error = mistake('message', { cause })
    expect(error).toBeInstanceOf(TypeError)
    expect(error).not.toBeInstanceOf(DynamoDBSessionsError)
    expect(error).toMatchObject({ name: 'TypeError', code, message: 'message', cause })
    expect(inspect(error)).toContain(`code: '${code}'`)
  })
})
