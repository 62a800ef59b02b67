import { inspect } from 'node:util'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { fetchTransport } from '../../../src/aws/http/fetch-transport.ts'
import { type OptionRow, readOptions } from '../../../src/internal/option.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import {
  type HeededBy,
  type SessionStoreOptions,
  type StoreOptions,
  storeRows,
} from '../../../src/options/store-options.ts'

const secret = 'hunter2'
const pem = `-----BEGIN CERTIFICATE-----\nMIIB${secret}\n-----END CERTIFICATE-----\n`
const keys = { accessKeyId: 'AKID', secretAccessKey: secret }

/** Values for one option. */
interface Examples {
  readonly right: readonly unknown[]
  readonly wrong: readonly unknown[]
  /** Texts in the environment and what they are read as; none where the environment cannot carry the option. */
  readonly fromText: readonly (readonly [text: string, value: unknown])[]
  readonly wrongTexts?: readonly string[]
}

/** What JavaScript reads as numbers, and nobody means as a setting. */
const oddNumbers = [
  ' ',
  '\t',
  '0x10',
  '1e3',
  'Infinity',
  '-0',
  '+5',
  '5s',
  '5 0',
  '.5',
  '5.',
  'NaN',
  '5n',
  '1_000',
]

function wholeNumbers(least: number, most: number): Examples {
  return {
    right: [least, most],
    wrong: [
      least - 1,
      most + 1,
      least + 0.5,
      Number.NaN,
      Infinity,
      String(least),
      null,
      true,
      {},
      [least],
      5n,
    ],
    fromText: [
      [String(least), least],
      [String(most), most],
    ],
    wrongTexts: [secret, String(most + 1), String(least - 1), '1.5', '1,000', ...oddNumbers],
  }
}

const booleans: Examples = {
  right: [true, false],
  wrong: ['true', 0, 1, null, {}, ''],
  fromText: [
    ['true', true],
    ['false', false],
  ],
  wrongTexts: [secret, 'yes', 'True', '0'],
}

const examples: Readonly<Record<keyof SessionStoreOptions, Examples>> = {
  table: {
    right: [
      'abc',
      'a.b-c_D9',
      'x'.repeat(255),
      'arn:aws:dynamodb:eu-west-1:123456789012:table/abc',
      'arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/abc',
    ],
    wrong: [
      '',
      'ab',
      'x'.repeat(256),
      `a b ${secret}`,
      'täble',
      'abc\n',
      'arn:aws:dynamodb:eu-west-1:12345:table/abc',
      'arn:aws:s3:eu-west-1:123456789012:table/abc',
      'arn:aws:dynamodb:eu-west-1:123456789012:table/abc/index/i',
      7,
      null,
      ['abc'],
    ],
    fromText: [['my-table', 'my-table']],
    wrongTexts: ['ab', `a b ${secret}`],
  },
  prefix: {
    right: ['', 'app:', ' ~', 'x'.repeat(512)],
    wrong: ['x'.repeat(513), 'é', `${secret}\n`, '\t', 7, null, ['a']],
    fromText: [['app:', 'app:']],
    wrongTexts: [`${secret}é`],
  },
  partitionKey: {
    right: ['id', 'sid', 'ключ', 'x'.repeat(255)],
    wrong: ['', 'x'.repeat(256), 'é'.repeat(128), 7, null, {}],
    fromText: [['sid', 'sid']],
    wrongTexts: ['x'.repeat(256)],
  },
  region: {
    right: ['eu-west-1', 'local', 'xx-future-9'],
    wrong: ['', `eu-west-1.${secret}`, 'eu west', '-a', 'eu-west-1/', 7, null, ['eu-west-1']],
    fromText: [['eu-west-1', 'eu-west-1']],
    wrongTexts: [`eu-west-1.${secret}`],
  },
  endpoint: {
    right: ['http://127.0.0.1:8000', 'https://vpce-1.example/base/', 'http://[::1]:8000'],
    wrong: [
      '',
      secret,
      'localhost:8000',
      'ftp://127.0.0.1',
      `http://user:${secret}@127.0.0.1`,
      `http://127.0.0.1/?key=${secret}`,
      `http://127.0.0.1/#${secret}`,
      new URL('http://127.0.0.1'),
      7,
      null,
    ],
    fromText: [['http://127.0.0.1:8000', 'http://127.0.0.1:8000']],
    wrongTexts: [secret, `http://user:${secret}@127.0.0.1`],
  },
  credentials: {
    right: [keys, { ...keys, sessionToken: 'token', expiration: new Date(0) }, () => keys, async () => keys],
    wrong: [
      {},
      { accessKeyId: 'AKID' },
      { accessKeyId: 'AKID', secretAccessKey: '' },
      { ...keys, secretAccessKey: `${secret}\n` },
      { ...keys, sessionToken: '' },
      { ...keys, expiration: '2026-11-23' },
      secret,
      7,
      null,
      [keys],
      true,
    ],
    fromText: [],
  },
  profile: {
    right: ['default', 'a profile', 'é'],
    wrong: ['', 7, null, ['default'], {}],
    fromText: [['work', 'work']],
  },
  maxAttempts: wholeNumbers(1, 20),
  connectTimeoutMs: wholeNumbers(1, 600_000),
  attemptTimeoutMs: wholeNumbers(1, 600_000),
  deadlineMs: wholeNumbers(1, 600_000),
  maxSockets: wholeNumbers(1, 10_000),
  ca: {
    right: [pem, [pem], [pem, pem]],
    wrong: [
      '',
      secret,
      pem.replaceAll('CERTIFICATE', 'PRIVATE KEY'),
      [],
      [pem, secret],
      [pem, 7],
      Buffer.from(pem),
      7,
      null,
    ],
    fromText: [[pem, pem]],
    wrongTexts: [secret],
  },
  proxy: {
    right: ['http://proxy.test:3128', 'https://ada:secret@proxy.test', false],
    wrong: ['', secret, 'proxy.test:3128', 'socks5://proxy.test', true, 7, null, {}],
    fromText: [
      ['http://proxy.test:3128', 'http://proxy.test:3128'],
      ['false', false],
    ],
    wrongTexts: [secret, 'true'],
  },
  clock: {
    right: [{ now: () => 0 }, { now: Date.now, other: 1 }],
    wrong: [{}, { now: 7 }, () => 0, 7, secret, null, []],
    fromText: [],
  },
  transport: {
    right: [{ request: () => Promise.reject(new Error('unused')), close: () => Promise.resolve() }],
    wrong: [{}, { request: 7, close: 7 }, () => 0, 7, secret, null, []],
    fromText: [],
  },
  ttlSeconds: {
    right: [1, 0.5, 86_400, () => 5, () => undefined],
    wrong: [0, -1, Number.NaN, Infinity, '60', null, {}, [60]],
    fromText: [
      ['60', 60],
      ['0.5', 0.5],
    ],
    wrongTexts: [secret, '0', '-1', '1h', ...oddNumbers],
  },
  consistentRead: booleans,
  hashIds: booleans,
  absoluteTimeoutSeconds: {
    right: [1, 0.5, 31_536_000],
    wrong: [0, -1, Number.NaN, Infinity, '60', null, {}, () => 5],
    fromText: [['3600', 3600]],
    wrongTexts: [secret, '0', '-1', '1h', ...oddNumbers],
  },
  touchAfterSeconds: {
    right: [0, 0.5, 3600],
    wrong: [-1, Number.NaN, Infinity, '60', null, {}],
    fromText: [
      ['0', 0],
      ['60', 60],
    ],
    wrongTexts: [secret, '-1', '1h', ...oddNumbers],
  },
  onConflict: {
    right: ['merge', 'overwrite', 'reject', () => ({})],
    wrong: [secret, '', true, 7, null, {}],
    fromText: [['reject', 'reject']],
    wrongTexts: [secret, 'Merge'],
  },
  locking: {
    right: [
      true,
      false,
      {},
      { leaseSeconds: 1, maxHoldSeconds: 60, maxWaitMs: 0, minRetryMs: 1, maxRetryMs: 60_000 },
    ],
    wrong: [
      'true',
      7,
      null,
      [],
      { leaseSeconds: 0 },
      { maxWaitMs: -1 },
      { minRetryMs: '1' },
      { lease: 5 },
      { __proto__: null, toString: 1 },
    ],
    fromText: [
      ['true', true],
      ['false', false],
    ],
    wrongTexts: [secret, 'yes'],
  },
  userId: {
    right: [() => 'u', () => undefined],
    wrong: [secret, 7, null, {}, true],
    fromText: [],
  },
  layout: {
    right: ['native', 'php', 'connect-dynamodb'],
    wrong: [secret, '', 7, null, {}, 'PHP'],
    fromText: [['php', 'php']],
    wrongTexts: [secret],
  },
  sessionName: {
    right: ['PHPSESSID', 'my-app_1'],
    wrong: ['', 'a b', 'é', 7, null],
    fromText: [['APP', 'APP']],
    wrongTexts: [`${secret} x`],
  },
  serializer: {
    right: ['php', 'php_serialize', 'php_binary'],
    wrong: [secret, '', 7, null],
    fromText: [['php_binary', 'php_binary']],
    wrongTexts: [secret],
  },
  base64: booleans,
  emptyArray: {
    right: ['list', 'map'],
    wrong: [secret, '', 7, null],
    fromText: [['map', 'map']],
    wrongTexts: [secret],
  },
  dataAttribute: {
    right: ['data', 'ключ'],
    wrong: ['', 'x'.repeat(256), 7, null],
    fromText: [['payload', 'payload']],
    wrongTexts: ['x'.repeat(256)],
  },
  dataAttributeType: {
    right: ['string', 'binary'],
    wrong: [secret, '', 7, null],
    fromText: [['binary', 'binary']],
    wrongTexts: [secret],
  },
  ttlAttribute: {
    right: ['expires', 'ttl'],
    wrong: ['', 'x'.repeat(256), 7, null],
    fromText: [['ttl', 'ttl']],
    wrongTexts: ['x'.repeat(256)],
  },
  staleLockSeconds: {
    right: [0, 0.5, 60],
    wrong: [-1, Number.NaN, Infinity, '60', null],
    fromText: [
      ['60', 60],
      [' 0.5\n', 0.5],
    ],
    wrongTexts: [secret, '-1', ...oddNumbers],
  },
  serialization: {
    right: ['php', 'json'],
    wrong: [secret, '', 'php_serialize', true, null],
    fromText: [['json', 'json']],
    wrongTexts: [secret, 'JSON'],
  },
  specialKeys: {
    right: [[], [{ name: 'userId', type: 'S' }]],
    wrong: [secret, {}, null, [{ name: 'userId' }], [{ name: '', type: 'S' }], [{ name: 'a', type: 'M' }]],
    fromText: [],
  },
  failover: {
    right: [
      { regions: ['us-west-2'] },
      { regions: ['us-west-2', 'fips-us-east-1'], attemptTimeoutMs: 400, returnAfterSeconds: 1.5 },
      { regions: [{ region: 'us-west-2', endpoint: 'https://vpce-1.example' }] },
    ],
    wrong: [
      secret,
      7,
      null,
      {},
      { regions: [] },
      { regions: 'us-west-2' },
      { regions: [`us-west-2.${secret}`] },
      { regions: ['us-west-2', null] },
      { regions: [{ endpoint: 'https://vpce-1.example' }] },
      { regions: [{ region: 'us-west-2', endpoint: secret }] },
      { regions: ['us-west-2'], attemptTimeoutMs: 0 },
      { regions: ['us-west-2'], returnAfterSeconds: 0 },
      { regions: ['us-west-2'], region: 'eu-west-1' },
    ],
    fromText: [
      ['us-west-2', { regions: ['us-west-2'] }],
      [
        'us-west-2=https://vpce-1.example/',
        { regions: [{ region: 'us-west-2', endpoint: 'https://vpce-1.example/' }] },
      ],
      ['us-west-2, eu-west-3', { regions: ['us-west-2', 'eu-west-3'] }],
    ],
    wrongTexts: [`us-west-2.${secret}`, ',', 'us-west-2,', 'us-west-2='],
  },
  hedgedReads: {
    right: [true, false, {}, { budgetPercent: 0.5, minDelayMs: 5, maxDelayMs: 5 }],
    wrong: [
      secret,
      7,
      null,
      { budgetPercent: 0 },
      { budgetPercent: 101 },
      { minDelayMs: 0.5 },
      { maxDelayMs: '20' },
      { delayMs: 20 },
    ],
    fromText: [
      ['true', true],
      ['false', false],
    ],
    wrongTexts: [secret, '2'],
  },
  migrateFrom: {
    right: [
      'connect-dynamodb',
      { layout: 'php', sessionName: 'APP', table: 'old' },
      { prefix: 'old:', hashIds: false },
    ],
    wrong: [secret, 7, null, [], { layout: secret }, { table: 'x' }, { ttlSeconds: 5 }],
    fromText: [['connect-dynamodb', 'connect-dynamodb']],
    wrongTexts: [secret],
  },
  encryption: {
    right: [
      { keys: [new Uint8Array(32)] },
      { keys: [Buffer.alloc(32, 1), 'a long enough passphrase'], unencrypted: 'refuse' },
    ],
    wrong: [
      secret,
      7,
      null,
      {},
      { keys: [] },
      { keys: [secret] },
      { keys: [new Uint8Array(31)] },
      { keys: [new Uint8Array(32), new Uint8Array(32)] },
      { keys: [new Uint8Array(32)], unencrypted: 'never' },
      { keys: [new Uint8Array(32)], key: 1 },
    ],
    fromText: [['a-long-enough-passphrase', { keys: ['a-long-enough-passphrase'] }]],
    wrongTexts: [secret, ' '],
  },
  compression: {
    right: [{}, { thresholdBytes: 0 }, { thresholdBytes: 4096 }],
    wrong: [true, 7, null, { thresholdBytes: -1 }, { thresholdBytes: 1.5 }, { threshold: 1 }],
    fromText: [['4096', { thresholdBytes: 4096 }]],
    wrongTexts: [secret, '-1', ...oddNumbers],
  },
}

const variables: Readonly<Record<keyof SessionStoreOptions, string>> = {
  table: 'DYNAMODB_SESSIONS_TABLE',
  prefix: 'DYNAMODB_SESSIONS_PREFIX',
  partitionKey: 'DYNAMODB_SESSIONS_PARTITION_KEY',
  region: 'DYNAMODB_SESSIONS_REGION',
  endpoint: 'DYNAMODB_SESSIONS_ENDPOINT',
  credentials: 'DYNAMODB_SESSIONS_CREDENTIALS',
  failover: 'DYNAMODB_SESSIONS_FAILOVER',
  hedgedReads: 'DYNAMODB_SESSIONS_HEDGED_READS',
  profile: 'DYNAMODB_SESSIONS_PROFILE',
  maxAttempts: 'DYNAMODB_SESSIONS_MAX_ATTEMPTS',
  connectTimeoutMs: 'DYNAMODB_SESSIONS_CONNECT_TIMEOUT_MS',
  attemptTimeoutMs: 'DYNAMODB_SESSIONS_ATTEMPT_TIMEOUT_MS',
  deadlineMs: 'DYNAMODB_SESSIONS_DEADLINE_MS',
  maxSockets: 'DYNAMODB_SESSIONS_MAX_SOCKETS',
  ca: 'DYNAMODB_SESSIONS_CA',
  proxy: 'DYNAMODB_SESSIONS_PROXY',
  clock: 'DYNAMODB_SESSIONS_CLOCK',
  transport: 'DYNAMODB_SESSIONS_TRANSPORT',
  ttlSeconds: 'DYNAMODB_SESSIONS_TTL_SECONDS',
  consistentRead: 'DYNAMODB_SESSIONS_CONSISTENT_READ',
  hashIds: 'DYNAMODB_SESSIONS_HASH_IDS',
  absoluteTimeoutSeconds: 'DYNAMODB_SESSIONS_ABSOLUTE_TIMEOUT_SECONDS',
  touchAfterSeconds: 'DYNAMODB_SESSIONS_TOUCH_AFTER_SECONDS',
  onConflict: 'DYNAMODB_SESSIONS_ON_CONFLICT',
  layout: 'DYNAMODB_SESSIONS_LAYOUT',
  sessionName: 'DYNAMODB_SESSIONS_SESSION_NAME',
  serializer: 'DYNAMODB_SESSIONS_SERIALIZER',
  base64: 'DYNAMODB_SESSIONS_BASE64',
  emptyArray: 'DYNAMODB_SESSIONS_EMPTY_ARRAY',
  dataAttribute: 'DYNAMODB_SESSIONS_DATA_ATTRIBUTE',
  dataAttributeType: 'DYNAMODB_SESSIONS_DATA_ATTRIBUTE_TYPE',
  ttlAttribute: 'DYNAMODB_SESSIONS_TTL_ATTRIBUTE',
  staleLockSeconds: 'DYNAMODB_SESSIONS_STALE_LOCK_SECONDS',
  serialization: 'DYNAMODB_SESSIONS_SERIALIZATION',
  specialKeys: 'DYNAMODB_SESSIONS_SPECIAL_KEYS',
  migrateFrom: 'DYNAMODB_SESSIONS_MIGRATE_FROM',
  locking: 'DYNAMODB_SESSIONS_LOCKING',
  userId: 'DYNAMODB_SESSIONS_USER_ID',
  encryption: 'DYNAMODB_SESSIONS_ENCRYPTION',
  compression: 'DYNAMODB_SESSIONS_COMPRESSION',
}

const names = Object.keys(examples) as (keyof SessionStoreOptions)[]

function construct(options: unknown): SessionStore {
  return new SessionStore(options as SessionStoreOptions)
}

function failureOf(action: () => unknown): Error {
  try {
    action()
  } catch (error) {
    const isMistake = error instanceof TypeError && Reflect.get(error, 'code') === 'INVALID_OPTION'
    if (!isMistake) throw error
    if (inspect(error, { depth: Infinity, showHidden: true }).includes(secret)) {
      throw new Error('the error quotes the value', { cause: error })
    }
    return error
  }
  throw new Error('the options were accepted')
}

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the specification has all options', () => {
  expect(Object.keys(storeRows).toSorted()).toEqual(names.toSorted())
})

test('the specification says what the options take', () => {
  const specs = storeRows
  const milliseconds = 'a whole number of milliseconds from 1 to 600000'
  expect(Object.fromEntries(names.map(name => [name, specs[name].takes]))).toMatchObject({
    table: 'the name of a DynamoDB table (3 to 255 letters, digits, "_", "-" and ".") or its ARN',
    prefix: 'up to 512 printable ASCII characters',
    partitionKey: 'the name of an attribute (1 to 255 bytes)',
    region: 'the name of an AWS region, such as eu-west-1',
    endpoint:
      'a URL such as https://dynamodb.eu-west-1.amazonaws.com or http://127.0.0.1:8000, without user name, query or ' +
      'fragment',
    credentials:
      'an object { accessKeyId, secretAccessKey, sessionToken? } of non-empty strings without blanks, or a function ' +
      'that returns one',
    maxAttempts: 'a whole number of attempts from 1 to 20',
    connectTimeoutMs: milliseconds,
    attemptTimeoutMs: milliseconds,
    deadlineMs: milliseconds,
    maxSockets: 'a whole number of connections from 1 to 10000',
    ca: 'certificates in PEM: a string or an array of strings',
    clock: 'an object with a method now() that returns epoch milliseconds',
    ttlSeconds: 'a positive number of seconds, or a function of the session data that returns one',
    consistentRead: 'true or false',
    hashIds: 'true or false',
  })
})

/** The layout that an option belongs to, where it belongs to one. */
function layoutFor(name: keyof SessionStoreOptions): SessionStoreOptions {
  if (name === 'specialKeys') return { layout: 'connect-dynamodb' }
  if (name === 'serialization') return { layout: 'laravel' }
  return phpOptions.has(name) ? { layout: 'php' } : {}
}

const phpOptions: ReadonlySet<string> = new Set([
  'sessionName',
  'serializer',
  'base64',
  'emptyArray',
  'dataAttribute',
  'dataAttributeType',
  'ttlAttribute',
  'staleLockSeconds',
])

test.each([
  [{ sessionName: 'APP' }, '"sessionName" is for the layout "php" only; the layout is "native"'],
  [{ layout: 'php', specialKeys: [] }, '"specialKeys" is for the layout "connect-dynamodb" only'],
  [{ layout: 'php', hashIds: true }, '"hashIds" is for the layout "native" only; the layout is "php"'],
  [{ layout: 'adonis', userId: () => 'u' }, '"userId" is for the layout "native" only'],
  [{ layout: 'architect', onConflict: 'reject' }, '"onConflict" does not go with this layout'],
  [{ layout: 'adonis', locking: true }, '"locking" is for the layout "native" and "php" only'],
  [
    { migrateFrom: { layout: 'adonis', sessionName: 'A' } },
    'of "migrateFrom" the option "sessionName" is for the layout "php" only; the layout is "adonis"',
  ],
  [
    { migrateFrom: { layout: 'connect-dynamodb', specialKeys: [] } },
    'of "migrateFrom" the option "specialKeys" has no effect, because nothing is written there',
  ],
  [
    { layout: 'connect-dynamodb', hashIds: false, encryption: { keys: [new Uint8Array(32)] } },
    'the option "encryption" is for the layout "native" only; the layout is "connect-dynamodb"; leave it out',
  ],
  [
    { layout: 'php', hashIds: true, compression: {}, specialKeys: [] },
    'the option "compression" is for the layout "native" only; the option "specialKeys" is for the layout ' +
      '"connect-dynamodb" only; the option "hashIds" is for the layout "native" only; the layout is "php"; leave them out',
  ],
  [
    { migrateFrom: 'adonis', encryption: { keys: [new Uint8Array(32)], unencrypted: 'refuse' } },
    'the option "encryption" refuses unencrypted sessions ("unencrypted"), and the option "migrateFrom" reads those of the ' +
      'layout "adonis"',
  ],
])('options that a layout cannot carry are refused: %j', (options, words) => {
  expect(failureOf(() => construct(options)).message).toContain(words)
})

test.each([
  [
    { region: 'us-west-2', failover: { regions: ['eu-west-1', 'us-west-2'] } },
    'the option "failover" names "us-west-2", which is the Region of the store; leave it out',
  ],
  [{ failover: { regions: ['eu-west-1', 'eu-west-1'] } }, 'the option "failover" names "eu-west-1" twice'],
  [
    {
      table: 'arn:aws:dynamodb:eu-west-1:123456789012:table/abc',
      failover: { regions: ['us-west-2'] },
    },
    'the option "failover" does not go with the ARN of a table, which names one Region; give the name of the table',
  ],
  [
    { endpoint: 'https://vpce-1.example', failover: { regions: ['us-west-2'] } },
    'the option "failover" has no endpoint for "us-west-2", and the option "endpoint" is for one Region alone',
  ],
  [
    { hedgedReads: { minDelayMs: 30, maxDelayMs: 20 } },
    'the option "hedgedReads" has a "minDelayMs" (30) above "maxDelayMs" (20): no read could be in between',
  ],
  [
    { attemptTimeoutMs: 200, deadlineMs: 100 },
    '"attemptTimeoutMs" (200) is above the option "deadlineMs" (100)',
  ],
  [
    { connectTimeoutMs: 101, deadlineMs: 100 },
    '"connectTimeoutMs" (101) is above the option "deadlineMs" (100)',
  ],
  [
    { touchAfterSeconds: 61, ttlSeconds: 60 },
    '"touchAfterSeconds" (61) is above the option "ttlSeconds" (60)',
  ],
  [
    { ttlSeconds: 61, absoluteTimeoutSeconds: 60 },
    '"ttlSeconds" (61) is above the option "absoluteTimeoutSeconds" (60)',
  ],
  [
    { touchAfterSeconds: 61, absoluteTimeoutSeconds: 60 },
    '"touchAfterSeconds" (61) is above the option "absoluteTimeoutSeconds" (60)',
  ],
  [
    { locking: { minRetryMs: 500, maxRetryMs: 100 } },
    '"locking" has a "minRetryMs" (500) above "maxRetryMs" (100)',
  ],
  [
    { locking: { leaseSeconds: 61, maxHoldSeconds: 60 } },
    '"locking" has a "leaseSeconds" (61) above "maxHoldSeconds" (60)',
  ],
  [{ ca: pem, transport: fetchTransport() }, '"ca" has no effect with the option "transport"'],
  [{ maxSockets: 5, transport: fetchTransport() }, '"maxSockets" has no effect with the option "transport"'],
])('options that contradict each other are refused: %j', (options, words) => {
  expect(failureOf(() => construct(options)).message).toContain(words)
})

test.each([
  { deadlineMs: 100 },
  { attemptTimeoutMs: 600_000 },
  { attemptTimeoutMs: 100, connectTimeoutMs: 100, deadlineMs: 100 },
  { absoluteTimeoutSeconds: 60 },
  { touchAfterSeconds: 100_000 },
  { touchAfterSeconds: 60, ttlSeconds: 60, absoluteTimeoutSeconds: 60 },
  { touchAfterSeconds: 60, ttlSeconds: () => 5 },
  { locking: { minRetryMs: 2000 } },
  { locking: { maxRetryMs: 20 } },
  { locking: { leaseSeconds: 900 } },
  { locking: { maxHoldSeconds: 5 } },
])('defaults give way: %j', options => {
  expect(construct(options)).toBeInstanceOf(SessionStore)
})

test('what comes from the environment is named by its variable', () => {
  vi.stubEnv('DYNAMODB_SESSIONS_ENCRYPTION', 'a-long-enough-passphrase')
  vi.stubEnv('DYNAMODB_SESSIONS_DEADLINE_MS', '100')
  expect(failureOf(() => construct({ layout: 'connect-dynamodb', hashIds: false })).message).toBe(
    'the environment variable DYNAMODB_SESSIONS_ENCRYPTION is for the layout "native" only; the layout is ' +
      '"connect-dynamodb"; leave it out',
  )
  expect(failureOf(() => construct({ attemptTimeoutMs: 200 })).message).toContain(
    'the option "attemptTimeoutMs" (200) is above the environment variable DYNAMODB_SESSIONS_DEADLINE_MS (100)',
  )
})

describe.each(names)('the option %s', name => {
  const { right, wrong, fromText } = examples[name]
  const { takes, takesAsText = takes } = storeRows[name]

  test.each(right.map(value => [inspect(value), value] as const))('takes %s', (_text, value) => {
    expect(construct({ ...layoutFor(name), [name]: value })).toBeInstanceOf(SessionStore)
    const given = { ...layoutFor(name), [name]: value }
    expect(readOptions(given, storeRows, {})).toEqual(given)
  })

  test.each(wrong.map(value => [inspect(value), value] as const))('does not take %s', (_text, value) => {
    const { message } = failureOf(() => construct({ [name]: value }))
    expect(message.startsWith(`the option "${name}" must be ${takes}; received `)).toBe(true)
  })

  test('is looked for in its variable', () => {
    for (const [text, value] of fromText) {
      const environment = { [variables[name]]: text }
      const layout = layoutFor(name)
      const given = { ...layout, [name]: right[0] }
      expect(readOptions(layout, storeRows, environment)).toEqual({ ...layout, [name]: value })
      expect(readOptions(given, storeRows, environment)).toEqual(given)
    }
    expect(storeRows[name].fromText === undefined).toBe(fromText.length === 0)
  })

  test.each(examples[name].wrongTexts ?? [])('cannot be %j in its variable', text => {
    vi.stubEnv(variables[name], text)
    const { message } = failureOf(() => construct({}))
    const beginning = `the environment variable ${variables[name]} must be ${takesAsText}; received `
    expect(message.startsWith(beginning)).toBe(true)
    expect(message).not.toMatch(/NaN|object|function|an array;/)
  })
})

test.each([
  [
    'DYNAMODB_SESSIONS_TTL_SECONDS',
    '1h',
    'a positive number of seconds, such as 86400; received another value',
  ],
  [
    'DYNAMODB_SESSIONS_TTL_SECONDS',
    ' ',
    'a positive number of seconds, such as 86400; received nothing but blanks',
  ],
  [
    'DYNAMODB_SESSIONS_TTL_SECONDS',
    '0',
    'a positive number of seconds, such as 86400; received the number 0',
  ],
  [
    'DYNAMODB_SESSIONS_TOUCH_AFTER_SECONDS',
    ' ',
    'a number of seconds, 0 or more, such as 300; received nothing but blanks',
  ],
  ['DYNAMODB_SESSIONS_LOCKING', '{"leaseSeconds":5}', 'true or false; received another value'],
  ['DYNAMODB_SESSIONS_ON_CONFLICT', 'latest', "merge, overwrite or reject; received 'latest'"],
  [
    'DYNAMODB_SESSIONS_ON_CONFLICT',
    'mrge',
    "merge, overwrite or reject; received 'mrge'; did you mean merge?",
  ],
  [
    'DYNAMODB_SESSIONS_COMPRESSION',
    'true',
    'false, or a threshold: a whole number of bytes from 0 to 409600, such as 1024; received another value',
  ],
  [
    'DYNAMODB_SESSIONS_ENCRYPTION',
    secret,
    'keys (base64:... or hex:... of 32 bytes, or passphrases of at least 16 characters), separated by blanks, the current ' +
      'one first and none twice; received another value: keys[0] has 7 characters, expected a passphrase of at least 16',
  ],
])('%s=%j is told what the variable takes', (name, text, takes) => {
  vi.stubEnv(name, text)
  const { message } = failureOf(() => construct({}))
  expect(message.startsWith(`the environment variable ${name} must be ${takes}`)).toBe(true)
})

test.each([
  ['tableName', 'table'],
  ['TTLSeconds', 'ttlSeconds'],
  ['hash_ids', 'hashIds'],
  ['credential', 'credentials'],
  ['maxattempts', 'maxAttempts'],
  ['ttl', 'ttlSeconds'],
  ['keyPrefix', 'prefix'],
])('an unknown option %s is refused with the hint %s', (name, hint) => {
  const { message } = failureOf(() => construct({ [name]: secret }))
  expect(message).toBe(`there is no option "${name}"; did you mean "${hint}"?`)
})

test.each([
  ['hashKey', 'as other stores have it: set "partitionKey"'],
  [
    'client',
    'as clients of the AWS SDK have it: the store has its own client; set "region", "endpoint" and "credentials"',
  ],
  ['reapInterval', 'as other stores have it: the time to live of the table deletes expired sessions'],
  ['maxAge', 'as other stores have it: a session expires with its cookie; else set "ttlSeconds"'],
])('an option %s is told what stands for it here', (name, words) => {
  expect(failureOf(() => construct({ [name]: secret })).message).toContain(
    `there is no option "${name}", ${words}`,
  )
})

test('an option that is like none is told where all of them are', () => {
  expect(failureOf(() => construct({ nonsense: secret })).message).toBe(
    'there is no option "nonsense" (docs/options.md has all options)',
  )
})

test.each([
  [{ region: 'eu-west-1a' }, "received 'eu-west-1a'; did you mean eu-west-1?"],
  [{ region: 'us-west-2-lax-1a' }, "received 'us-west-2-lax-1a'; did you mean us-west-2?"],
  [{ region: 'EU-WEST-1' }, "received 'EU-WEST-1'; did you mean eu-west-1?"],
  [{ region: 'eu_west_1' }, "received 'eu_west_1'; did you mean eu-west-1?"],
  [{ layout: 'connect-dynamo' }, "received 'connect-dynamo'; did you mean connect-dynamodb?"],
  [{ migrateFrom: 'connect-dynamo' }, "received 'connect-dynamo'; did you mean connect-dynamodb?"],
  [{ onConflict: 'latest' }, "received 'latest'"],
  [{ endpoint: 'localhost:8000' }, "received 'localhost:8000'; did you mean http://localhost:8000?"],
  [
    { credentials: { accessKeyId: 'AKID', secretAccessKey: undefined } },
    'received a value of type object: "secretAccessKey" is undefined: the variable that it comes from is not set',
  ],
  [{ credentials: { accessKeyId: 'AKID' } }, 'received a value of type object: "secretAccessKey" is missing'],
])('a wrong value that is no secret is repeated, with what was meant: %j', (options, end) => {
  expect(failureOf(() => construct(options)).message).toSatisfy((message: string) => message.endsWith(end))
})

describe('a wrong region in failover is named, with what was meant', () => {
  const shortly = 'must be the name of an AWS region, or { region, endpoint }; received'

  test.each([
    ['us-east-1a', "region number 1 TAKES 'us-east-1a'; did you mean us-east-1?"],
    ['us-west-2,eu-wset-1', "region number 2 TAKES 'eu-wset-1'; did you mean eu-west-1?"],
    ['us-west2', "region number 1 TAKES 'us-west2'; did you mean us-west-2?"],
    ['virginia', "region number 1 TAKES 'virginia'"],
    ['us-west-2,', 'region number 2 TAKES an empty string'],
    [`us-west-2.${secret}`, 'region number 1 TAKES a string'],
  ])('%s', (text, clause) => {
    const words = clause.replace('TAKES', shortly)
    const { takes, takesAsText } = storeRows.failover
    expect(failureOf(() => construct({ failover: { regions: text.split(',') } })).message).toBe(
      `the option "failover" must be ${takes}; received an object whose ${words}`,
    )
    vi.stubEnv(variables.failover, text)
    expect(failureOf(() => construct({})).message).toBe(
      `the environment variable ${variables.failover} must be ${takesAsText}; received another value: ${words}`,
    )
  })

  test('so is a wrong endpoint, without repeating it', () => {
    const failover = { regions: ['us-west-2', { region: 'eu-west-1', endpoint: secret }] }
    expect(failureOf(() => construct({ failover })).message).toMatch(
      /received an object whose "endpoint" of region number 2 must be a URL; received a string$/,
    )
  })

  test.each(['us-northcentral-1', 'zz-southwest-12', 'us-isob-east-1', 'eusc-de-east-1', 'us-west-2-fips'])(
    '%s may be a new one',
    region => {
      expect(construct({ region: 'us-east-1', failover: { regions: [region] } })).toBeInstanceOf(SessionStore)
    },
  )

  test('a server that is not that of AWS has the regions that it likes', () => {
    const regions = [{ region: 'us-wst-2', endpoint: 'http://localhost:8000' }]
    const options = { region: 'us-est-1', endpoint: 'http://localhost:8001', failover: { regions } }
    expect(construct(options)).toBeInstanceOf(SessionStore)
  })
})

test.each([
  [
    { ttlSeconds: 86_400_000 },
    'the option "ttlSeconds" is 86400000 seconds, which are 1,000 days; were milliseconds meant?',
  ],
  [
    { absoluteTimeoutSeconds: 604_800_000 },
    'the option "absoluteTimeoutSeconds" is 604800000 seconds, which are 7,000 days; were milliseconds meant?',
  ],
  [
    { credentials: { ...keys, expiration: new Date(Date.UTC(2020, 0)) } },
    'the option "credentials" expired at 2020-01-01T00:00:00.000Z, and nothing renews them',
  ],
])('what is likely to be a mistake is a warning: %j', async (options, words) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  construct(options)
  construct(options)
  expect(warned.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining(words)])
  warned.mockRestore()
})

test.each([
  { ttlSeconds: 34_560_000 },
  { credentials: { ...keys, expiration: new Date(Date.now() + 60_000) } },
])('what may well be meant is none: %j', options => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  construct(options)
  expect(warned).not.toHaveBeenCalled()
  warned.mockRestore()
})

test('the types know every option that only one layout heeds', () => {
  const heededBy: { readonly [Name in keyof HeededBy]: readonly HeededBy[Name][] } = {
    absoluteTimeoutSeconds: ['native'],
    userId: ['native'],
    encryption: ['native'],
    compression: ['native'],
    sessionName: ['php'],
    serializer: ['php'],
    base64: ['php'],
    emptyArray: ['php'],
    dataAttribute: ['php'],
    dataAttributeType: ['php'],
    ttlAttribute: ['php'],
    staleLockSeconds: ['php'],
    serialization: ['laravel'],
    specialKeys: ['connect-dynamodb'],
  }
  const restricted = Object.entries<OptionRow>(storeRows).filter(
    ([, { layouts, elsewhere }]) => layouts !== undefined && elsewhere === undefined,
  )
  expect(Object.fromEntries(restricted.map(([name, { layouts }]) => [name, layouts]))).toEqual(heededBy)
})

test('a misspelt member of an option is named', () => {
  const misspelt = { encryption: { key: ['a-long-enough-passphrase'] } } as unknown as SessionStoreOptions
  expect(() => new SessionStore(misspelt)).toThrow(
    'received an object with an unknown "key"; did you mean "keys"?',
  )
})

test.each([null, [], secret, 7])('options cannot be %j', options => {
  expect(failureOf(() => construct(options)).message).toMatch(/^the options must be an object; received /)
})

test('the partition key cannot be another attribute of the layout', () => {
  expect(failureOf(() => construct({ partitionKey: 'data' })).message).toContain('"partitionKey"')
})

test.each<StoreOptions>([
  { layout: 'connect-dynamodb', partitionKey: 'sess' },
  { layout: 'connect-dynamodb', specialKeys: [{ name: 'expires', type: 'N' }] },
  { layout: 'aws-ruby', partitionKey: 'created_at' },
  { layout: 'php', partitionKey: 'blob', dataAttribute: 'blob' },
  { layout: 'php', dataAttribute: 'expires' },
  { migrateFrom: { layout: 'dynamodb-store', partitionKey: 'sess' } },
])('nor can two things be in one attribute of a layout that is loaded later: %j', options => {
  expect(failureOf(() => construct(options)).message).toMatch(
    /^the option "\w+" cannot (?:be|have) "\w+", an attribute that holds something else|"ttlAttribute" must be different/,
  )
})

test('constructing a store asks nobody', () => {
  let asked = 0
  const store = construct({
    credentials: () => {
      asked++
      return keys
    },
    ttlSeconds: () => {
      asked++
      return 1
    },
    clock: {
      now: () => {
        asked++
        return 0
      },
    },
  })
  expect(store).toBeInstanceOf(SessionStore)
  expect(asked).toBe(0)
})
