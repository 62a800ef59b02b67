import type * as crypto from 'node:crypto'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { afterEach, describe, expect, test, vi } from 'vitest'

import { commonOptions, parseCommandArgs } from '../../../src/cli/args.ts'
import { storeSettings } from '../../../src/cli/store-settings.ts'
import type * as socketTransport from '../../../src/aws/http/socket-transport.ts'
import type { SocketTransportOptions } from '../../../src/aws/http/socket-transport.ts'
import type { TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../../src/layouts/layout.ts'
import { variableOf } from '../../../src/options/option.ts'
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

/** A value of an option that is not its default, and where it must have an effect. */
interface Row {
  readonly value: unknown
  /** The same in an environment variable; absent where a text cannot carry it. */
  readonly text?: string
  /** The same on the command line; absent where no flag has it. */
  readonly flags?: readonly string[]
  /** The layouts that heed it. The others refuse it. */
  readonly layouts: readonly LayoutName[]
}

const every = LAYOUT_NAMES
const native: readonly LayoutName[] = ['native']
const php: readonly LayoutName[] = ['php']
const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

/** What every option has to do, for every layout. An option without a row fails. */
const rows: Readonly<Record<Name, Row>> = {
  table: { value: 'others', text: 'others', flags: ['--table', 'others'], layouts: every },
  partitionKey: { value: 'pk', text: 'pk', flags: ['--partition-key', 'pk'], layouts: every },
  prefix: { value: 'app:', text: 'app:', flags: ['--prefix', 'app:'], layouts: every },
  region: { value: 'eu-west-3', text: 'eu-west-3', flags: ['--region', 'eu-west-3'], layouts: every },
  endpoint: {
    value: 'https://dynamodb.example',
    text: 'https://dynamodb.example',
    flags: ['--endpoint', 'https://dynamodb.example'],
    layouts: every,
  },
  profile: { value: 'other', text: 'other', flags: ['--profile', 'other'], layouts: every },
  credentials: { value: { accessKeyId: 'OTHER', secretAccessKey: 'secret' }, layouts: every },
  maxAttempts: { value: 1, text: '1', layouts: every },
  connectTimeoutMs: { value: 99, text: '99', layouts: every },
  attemptTimeoutMs: { value: 99, text: '99', layouts: every },
  deadlineMs: { value: 90_000, text: '90000', layouts: every },
  maxSockets: { value: 3, text: '3', layouts: every },
  ca: { value: pem, text: pem, layouts: every },
  proxy: { value: 'http://proxy.test:3128', text: 'http://proxy.test:3128', layouts: every },
  transport: { value: new WatchedDynamoDB(), layouts: every },
  clock: { value: new ManualClock(Date.UTC(2040, 1)), layouts: every },
  ttlSeconds: { value: 60, text: '60', layouts: every },
  consistentRead: { value: false, text: 'false', layouts: every },
  touchAfterSeconds: { value: 0, text: '0', layouts: every },
  migrateFrom: {
    value: { table: 'old', prefix: 'old:' },
    text: 'serverless-dynamodb-session-store',
    layouts: every,
  },
  onConflict: { value: 'reject', text: 'reject', layouts: every.filter(name => name !== 'architect') },
  locking: { value: { leaseSeconds: 77 }, text: 'true', layouts: ['native', 'php'] },
  hashIds: { value: false, text: 'false', flags: ['--no-hash-ids'], layouts: native },
  absoluteTimeoutSeconds: { value: 90, text: '90', layouts: native },
  userId: { value: () => 'ada', layouts: native },
  encryption: {
    value: { keys: [new Uint8Array(32)] },
    text: 'a-long-enough-passphrase',
    layouts: native,
  },
  compression: { value: { thresholdBytes: 0 }, text: '0', layouts: native },
  sessionName: { value: 'APP', text: 'APP', layouts: php },
  serializer: { value: 'php_serialize', text: 'php_serialize', layouts: php },
  base64: { value: true, text: 'true', layouts: php },
  emptyArray: { value: 'map', text: 'map', layouts: php },
  dataAttribute: { value: 'content', text: 'content', layouts: php },
  dataAttributeType: { value: 'binary', text: 'binary', layouts: php },
  ttlAttribute: { value: 'ttl', text: 'ttl', layouts: php },
  staleLockSeconds: { value: 0.001, text: '0.001', layouts: php },
  serialization: { value: 'json', text: 'json', layouts: ['laravel'] },
  specialKeys: { value: [{ name: 'user', type: 'S' }], layouts: ['connect-dynamodb'] },
  layout: { value: 'aws-ruby', text: 'aws-ruby', flags: ['--layout', 'aws-ruby'], layouts: every },
}

/** What the other layouts do anyway may be said: these are refused with the other value. */
const refusedAs: Partial<Record<Name, { value: unknown; text: string; flags?: readonly string[] }>> = {
  hashIds: { value: true, text: 'true', flags: ['--hash-ids'] },
}

const names = Object.keys(rows) as Name[]

const config = '[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n'

afterEach(() => {
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
  expect(names.toSorted()).toEqual(Object.keys(storeRows).toSorted())
  const specs = storeRows
  const withText = names.filter(name => rows[name].text !== undefined)
  expect(withText).toEqual(names.filter(name => specs[name].fromText !== undefined))
  const flags = new Set(names.flatMap(name => [rows[name], refusedAs[name]].map(row => row?.flags?.[0])))
  const withoutEffectOnStores = new Set(['--json', '--help'])
  const declared = commonOptions.map(({ name }) => `--${name}`)
  expect(declared.filter(flag => !flags.has(flag) && !withoutEffectOnStores.has(flag))).toEqual([])
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
    const values = refused.map((name): [Name, unknown] => [name, (refusedAs[name] ?? rows[name]).value])
    const given: Partial<Record<Name, unknown>> = Object.fromEntries(values)
    const message = refusalOf(
      () => new SessionStore({ layout, prefix: 'p', ...given } as SessionStoreOptions),
    )
    expect(refused.filter(name => !message.includes(`the option "${name}"`))).toEqual([])
  })
})
