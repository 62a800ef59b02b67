import type * as crypto from 'node:crypto'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { commonOptions, parseCommandArgs } from '../../../src/cli/args.ts'
import { dashed } from '../../../src/cli/output.ts'
import { storeSettings } from '../../../src/cli/store-settings.ts'
import type * as socketTransport from '../../../src/aws/http/socket-transport.ts'
import type { SocketTransportOptions } from '../../../src/aws/http/socket-transport.ts'
import type { TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../../src/layouts/layout-settings.ts'
import { type OptionRow, variableOf } from '../../../src/internal/option.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { type SessionStoreOptions, storeRows } from '../../../src/options/store-options.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { type Observation, observe, WatchedDynamoDB } from './option-effects-rig.ts'

const sockets = vi.hoisted(() => ({
  database: undefined as WatchedDynamoDB | undefined,
  opened: [] as (SocketTransportOptions | undefined)[],
}))

vi.mock('../../../src/aws/http/socket-transport.ts', async original => {
  const { SocketTransport } = await original<typeof socketTransport>()
  return {
    SocketTransport: class extends SocketTransport {
      constructor(options?: SocketTransportOptions) {
        super(options)
        sockets.opened.push(options)
      }

      override request(request: TransportRequest): Promise<TransportResponse> {
        if (sockets.database === undefined) throw new Error('there is no database')
        return sockets.database.request(request)
      }
    },
  }
})

// Revisions and lock owners are the same in every run.
vi.mock('node:crypto', async original => {
  const real = await original<typeof crypto>()
  return { ...real, randomBytes: (bytes: number) => Buffer.alloc(bytes) }
})

type Name = keyof SessionStoreOptions

/** What every option has to do, for every layout. */
interface Row {
  readonly value: unknown
  /** The same in an environment variable; absent where a string cannot carry it. */
  readonly text?: string | undefined
  /** The same on the command line; absent where no flag has it. */
  readonly flags?: readonly string[] | undefined
  /** The layouts that heed it. The others refuse it. */
  readonly layouts: readonly string[]
}

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

/** A value of every option that is not its default, and must have an effect. An option without one fails. */
const values: Readonly<Record<Name, unknown>> = {
  table: 'others',
  partitionKey: 'pk',
  prefix: 'app:',
  region: 'eu-west-3',
  endpoint: 'https://dynamodb.example',
  failover: { regions: ['eu-west-2'] },
  hedgedReads: true,
  profile: 'other',
  credentials: { accessKeyId: 'OTHER', secretAccessKey: 'secret' },
  maxAttempts: 1,
  connectTimeoutMs: 99,
  attemptTimeoutMs: 99,
  deadlineMs: 90_000,
  maxSockets: 3,
  ca: pem,
  proxy: 'http://proxy.test:3128',
  transport: new WatchedDynamoDB(),
  clock: new ManualClock(Date.UTC(2040, 1)),
  ttlSeconds: 60,
  consistentRead: false,
  touchAfterSeconds: 0,
  migrateFrom: { table: 'old', prefix: 'old:' },
  onConflict: 'reject',
  locking: { leaseSeconds: 77 },
  hashIds: false,
  absoluteTimeoutSeconds: 90,
  userId: () => 'ada',
  encryption: { keys: [new Uint8Array(32)] },
  compression: { thresholdBytes: 0 },
  sessionName: 'APP',
  serializer: 'php_serialize',
  base64: true,
  emptyArray: 'map',
  dataAttribute: 'content',
  dataAttributeType: 'binary',
  ttlAttribute: 'ttl',
  staleLockSeconds: 0.001,
  serialization: 'json',
  specialKeys: [{ name: 'user', type: 'S' }],
  layout: 'aws-ruby',
}

/** What a variable has, where that is not the value as a string. */
const texts: Partial<Record<Name, string>> = {
  failover: 'eu-west-2',
  migrateFrom: 'serverless-dynamodb-session-store',
  locking: 'true',
  encryption: 'a-long-enough-passphrase',
  compression: '0',
}

const names = Object.keys(storeRows) as Name[]

function rowOf(name: Name, value: unknown): Row {
  const { fromText, flag, layouts = LAYOUT_NAMES }: OptionRow = storeRows[name]
  const text = texts[name] ?? String(value)
  const flagName = `${value === false ? 'no-' : ''}${dashed(name)}`
  return {
    value,
    text: fromText && text,
    flags: flag === undefined ? undefined : [`--${flagName}`, ...(flag === '' ? [] : [text])],
    layouts,
  }
}

const rows = Object.fromEntries(names.map(name => [name, rowOf(name, values[name])])) as Record<Name, Row>

/** What the other layouts do anyway may be said: these are refused with the other value. */
const refusedAs: Partial<Record<Name, Row>> = { hashIds: rowOf('hashIds', true) }

const config = '[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n'

beforeEach(() => {
  // No pause before a retry is longer than it has to be.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

async function observed(options: object, fails = false): Promise<Observation> {
  const database = options['transport' as keyof object] ?? new WatchedDynamoDB()
  sockets.database = database as WatchedDynamoDB
  sockets.opened.length = 0
  return observe(sockets.database, options, sockets.opened, fails)
}

/** Why something was refused; an empty text when it was not. */
function refusalOf(action: () => unknown): string {
  try {
    action()
    return ''
  } catch (error) {
    if (error instanceof TypeError && Reflect.get(error, 'code') === 'INVALID_OPTION') return error.message
    throw error
  }
}

function settingsFrom(flags: readonly string[]): SessionStoreOptions {
  const args = parseCommandArgs(flags, commonOptions)
  return storeSettings({ args, environment: process.env }) as SessionStoreOptions
}

test('there is a row for every option, and none for what is no option', () => {
  expect(names.toSorted()).toEqual(Object.keys(values).toSorted())
  const flags = new Set(names.flatMap(name => [rows[name], refusedAs[name]].map(row => row?.flags?.[0])))
  const withoutEffectOnStores = new Set(['--json', '--help'])
  const isCovered = (flag: string): boolean => flags.has(flag) || withoutEffectOnStores.has(flag)
  const others = commonOptions.filter(({ name }) => !isCovered(`--${name}`) && !isCovered(`--no-${name}`))
  expect(others).toEqual([])
})

/** Where an option can come from, as what makes the options of a store. */
function sourcesOf(
  name: Name,
  layout: LayoutName,
  { value, text, flags }: Pick<Row, 'value' | 'text' | 'flags'>,
): { from: string; named: string; settings: () => SessionStoreOptions }[] {
  const base = name === 'layout' ? {} : { layout }
  const baseFlags = name === 'layout' ? [] : ['--layout', layout]
  const option = `the option "${name}"`
  const inEnvironment = (settings: () => SessionStoreOptions) => (): SessionStoreOptions => {
    vi.stubEnv(variableOf(name), text)
    return settings()
  }
  const variable = { from: 'the environment', named: `the environment variable ${variableOf(name)}` }
  return [
    { from: 'code', named: option, settings: () => ({ ...base, [name]: value }) },
    ...(flags === undefined
      ? []
      : [{ from: 'a flag', named: option, settings: () => settingsFrom([...baseFlags, ...flags]) }]),
    ...(text === undefined
      ? []
      : [
          { ...variable, settings: inEnvironment(() => base) },
          { ...variable, settings: inEnvironment(() => settingsFrom(baseFlags)) },
        ]),
  ]
}

describe.each(LAYOUT_NAMES)('the layout %s', layout => {
  const heeded = names.filter(name => rows[name].layouts.includes(layout) && rows[name].value !== layout)
  const refused = names.filter(name => !rows[name].layouts.includes(layout))

  test('heeds options from code, the environment and the command line', async () => {
    const { directory } = await temporaryHome({ config })
    vi.stubEnv('AWS_CONFIG_FILE', join(directory, '.aws', 'config'))
    const plain = await observed({ layout })
    expect(await observed({ layout })).toEqual(plain)
    const ignored: string[] = []
    for (const name of heeded) {
      const fails = name === 'maxAttempts'
      const usual = fails ? await observed({ layout }, fails) : plain
      for (const { from, settings } of sourcesOf(name, layout, rows[name])) {
        const seen = await observed(settings(), fails)
        vi.stubEnv(variableOf(name), undefined)
        if (isDeepStrictEqual(seen, usual)) ignored.push(`${name} from ${from}`)
      }
    }
    expect(ignored).toEqual([])
  })

  test('refuses the other options, wherever they come from', () => {
    const accepted: string[] = []
    for (const name of refused) {
      for (const { from, named, settings } of sourcesOf(name, layout, {
        ...rows[name],
        ...refusedAs[name],
      })) {
        const message = refusalOf(() => new SessionStore(settings()))
        vi.stubEnv(variableOf(name), undefined)
        const isNamed = message.includes(named) && message.includes(`the layout is "${layout}"`)
        if (!isNamed) accepted.push(`${name} from ${from}: ${message}`)
      }
    }
    expect(accepted).toEqual([])
  })

  test('refuses all of them at once by name, next to any that it heeds', () => {
    const others = refused.map((name): [Name, unknown] => [name, (refusedAs[name] ?? rows[name]).value])
    const given: Partial<Record<Name, unknown>> = Object.fromEntries(others)
    const message = refusalOf(
      () => new SessionStore({ layout, prefix: 'p', ...given } as SessionStoreOptions),
    )
    expect(refused.filter(name => !message.includes(`the option "${name}"`))).toEqual([])
  })
})
