import { invalidArgument } from '../errors.ts'
import { LAYOUT_NAMES, type LayoutName } from '../layouts/layout.ts'
import { type LayoutOptions, type MigrationSource } from './layout-options.ts'
import { optionName, readOptions } from './option.ts'
import { type SessionStoreOptions, storeOptionSpecs } from './store-options.ts'

/** Which layouts heed an option. */
export interface LayoutRule {
  readonly layouts: readonly LayoutName[]
  /** The value that says what the other layouts do anyway: it is accepted with them. */
  readonly elsewhere?: unknown
}

/** The rule of every option of an options type. */
export type LayoutRules<Options extends object> = Readonly<Record<keyof Options, LayoutRule>>

/** Names are counted out in a message up to here. */
const MOST_NAMED = 2

const everyLayout: LayoutRule = { layouts: LAYOUT_NAMES }
const nativeOnly: LayoutRule = { layouts: ['native'] }
const phpOnly: LayoutRule = { layouts: ['php'] }
/** Data that are never written need no attributes beside them. */
const neverHeeded: LayoutRule = { layouts: [] }

const ruleOfLayoutOptions: LayoutRules<LayoutOptions> = {
  layout: everyLayout,
  partitionKey: everyLayout,
  prefix: everyLayout,
  sessionName: phpOnly,
  serializer: phpOnly,
  base64: phpOnly,
  emptyArray: phpOnly,
  dataAttribute: phpOnly,
  dataAttributeType: phpOnly,
  ttlAttribute: phpOnly,
  staleLockSeconds: phpOnly,
  serialization: { layouts: ['laravel'] },
  specialKeys: { layouts: ['connect-dynamodb'] },
}

/** Layouts other than the native one store session IDs as they are. */
const hashIds: LayoutRule = { ...nativeOnly, elsewhere: false }

/**
 * Which layouts heed each option of a store. An option without a rule does not compile.
 *
 * @internal
 */
export const storeLayoutRules: LayoutRules<SessionStoreOptions> = {
  encryption: nativeOnly,
  hashIds,
  compression: nativeOnly,
  userId: nativeOnly,
  absoluteTimeoutSeconds: nativeOnly,
  locking: { layouts: ['native', 'php'], elsewhere: false },
  // No attribute of its items tells what others have written: the last write wins.
  onConflict: { layouts: LAYOUT_NAMES.filter(name => name !== 'architect'), elsewhere: 'overwrite' },
  ...ruleOfLayoutOptions,
  table: everyLayout,
  ttlSeconds: everyLayout,
  consistentRead: everyLayout,
  touchAfterSeconds: everyLayout,
  migrateFrom: everyLayout,
  region: everyLayout,
  endpoint: everyLayout,
  credentials: everyLayout,
  profile: everyLayout,
  maxAttempts: everyLayout,
  connectTimeoutMs: everyLayout,
  attemptTimeoutMs: everyLayout,
  deadlineMs: everyLayout,
  maxSockets: everyLayout,
  ca: everyLayout,
  proxy: everyLayout,
  transport: everyLayout,
  clock: everyLayout,
}

/** The same for the place that sessions are moved from, to which no session is written. */
const sourceLayoutRules: LayoutRules<LayoutOptions & MigrationSource> = {
  ...ruleOfLayoutOptions,
  table: everyLayout,
  hashIds,
  dataAttributeType: neverHeeded,
  specialKeys: neverHeeded,
  serialization: neverHeeded,
}

/**
 * Checks the options of a store and completes them from the environment.
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values, and options that the layout does not heed.
 */
export function readStoreOptions<Data extends object>(
  given: SessionStoreOptions<Data>,
  environment: Readonly<Record<string, string | undefined>>,
): Partial<SessionStoreOptions<Data>> {
  const options = readOptions<SessionStoreOptions<Data>>(given, storeOptionSpecs<Data>(), environment)
  checkStoreLayout(options, given)
  return options
}

/**
 * Refuses every option of a store that its layout does not heed: none may be accepted and then have no effect.
 *
 * @param options the options, completed from the environment.
 * @param given what the caller passed, to name an option by its variable where it came from there.
 * @throws {TypeError} `INVALID_OPTION`, with all such options.
 */
function checkStoreLayout<Data extends object>(options: SessionStoreOptions<Data>, given: object): void {
  const nameOf = (name: string): string => optionName(name, given)
  checkLayout(options, storeLayoutRules, nameOf)
  const { migrateFrom, encryption } = options
  if (migrateFrom === undefined) return
  const source = typeof migrateFrom === 'string' ? { layout: migrateFrom } : migrateFrom
  checkLayout(source, sourceLayoutRules, name => `of "migrateFrom" the option "${name}"`)
  if (encryption?.unencrypted === 'refuse' && (source.layout ?? 'native') !== 'native') {
    throw invalidArgument(
      'INVALID_OPTION',
      `${nameOf('encryption')} refuses unencrypted sessions ("unencrypted"), and ${nameOf('migrateFrom')} reads those of the ` +
        `layout "${source.layout}", which are; accept them until all have been moved ("unencrypted": "read")`,
    )
  }
}

/**
 * Refuses every option that the layout among them does not heed.
 *
 * @param nameOf how a message names an option.
 * @throws {TypeError} `INVALID_OPTION`, with all such options.
 */
export function checkLayout<Options extends { readonly layout?: LayoutName | undefined }>(
  options: Options,
  rules: Readonly<Partial<Record<keyof Options, LayoutRule>>>,
  nameOf: (name: string) => string,
): void {
  const { layout = 'native' } = options
  const stray: string[] = []
  for (const name of Object.keys(rules) as (keyof Options & string)[]) {
    const rule = rules[name]
    const value = options[name]
    if (rule === undefined || value === undefined || rule.layouts.includes(layout)) continue
    if (rule.elsewhere !== value) stray.push(`${nameOf(name)} ${whereHeeded(rule)}`)
  }
  if (stray.length === 0) return
  const remedy = stray.length === 1 ? 'leave it out' : 'leave them out'
  throw invalidArgument('INVALID_OPTION', `${stray.join('; ')}; the layout is "${layout}"; ${remedy}`)
}

function whereHeeded({ layouts }: LayoutRule): string {
  if (layouts.length === 0) return 'has no effect, because nothing is written there'
  if (layouts.length > MOST_NAMED) return 'does not go with this layout'
  return `is for the layout ${layouts.map(name => `"${name}"`).join(' and ')} only`
}
