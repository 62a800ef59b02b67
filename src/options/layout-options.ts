import { LAYOUT_NAMES, type LayoutName, type SpecialKey } from '../layouts/layout.ts'
import { numberFromText } from '../internal/number-from-text.ts'
import { booleanOption, type OptionSpec, type OptionSpecs, textOption } from './option.ts'

/**
 * How sessions are written as items. Every option but `layout`, `partitionKey` and `prefix` belongs to one layout, and is a
 * mistake with another.
 */
export interface LayoutOptions {
  /**
   * The layout: the package's own, or that of other software which shares the table, or used to have it. docs/layouts.md
   * tells which of the guarantees each can carry.
   *
   * @default 'native'
   */
  readonly layout?: LayoutName | undefined

  /**
   * Name of the table's partition key, an attribute of type S.
   *
   * @default what the layout's own software takes; 'id' for the native one
   */
  readonly partitionKey?: string | undefined

  /**
   * Text that every key of this store starts with. It separates the namespaces of one table: `keys`, `records`,
   * `count` and `clear` see only theirs. With plain session IDs prefixes must not be the beginning of one another.
   *
   * @default what the layout's own software takes; '' for the native one
   */
  readonly prefix?: string | undefined

  /**
   * Layout `php`: PHP's `session.name`, which keys start with.
   *
   * @default 'PHPSESSID'
   */
  readonly sessionName?: string | undefined

  /**
   * Layout `php`: PHP's `session.serialize_handler`.
   *
   * @default 'php'
   */
  readonly serializer?: 'php' | 'php_serialize' | 'php_binary' | undefined

  /**
   * Layout `php`: whether the data are in base64, as Idealstack's handler writes them by default.
   *
   * @default false
   */
  readonly base64?: boolean | undefined

  /**
   * Layout `php`: what an empty PHP array is in JavaScript.
   *
   * @default 'list'
   */
  readonly emptyArray?: 'list' | 'map' | undefined

  /**
   * Layout `php`: the attribute that holds the data (`data_attribute`).
   *
   * @default 'data'
   */
  readonly dataAttribute?: string | undefined

  /**
   * Layout `php`: the type of that attribute (`data_attribute_type`).
   *
   * @default 'string'
   */
  readonly dataAttributeType?: 'string' | 'binary' | undefined

  /**
   * Layout `php`: the attribute that holds the expiry (`session_lifetime_attribute`).
   *
   * @default 'expires'
   */
  readonly ttlAttribute?: string | undefined

  /**
   * Layout `php`: a lock that has been seen unchanged for this long is taken for left behind by a request that crashed, and
   * taken over. Seconds; 0 waits for ever, as PHP does.
   *
   * @default 60
   */
  readonly staleLockSeconds?: number | undefined

  /**
   * Layout `laravel`: how new sessions are written, Laravel's `session.serialization`. A stored session keeps its own.
   *
   * @default 'php'
   */
  readonly serialization?: 'php' | 'json' | undefined

  /**
   * Layout `connect-dynamodb`: attributes that are written beside the session.
   *
   * @default none
   */
  readonly specialKeys?: readonly SpecialKey[] | undefined
}

/** Where sessions are moved from: `migrateFrom`. Options that only matter for writing sessions are not among these. */
export interface MigrationSource extends Omit<
  LayoutOptions,
  'dataAttributeType' | 'specialKeys' | 'serialization'
> {
  /**
   * Name or ARN of the table that they are in, in the same region.
   *
   * @default the store's table
   */
  readonly table?: string | undefined

  /**
   * Layout `native`: whether they are under the SHA-256 of their ID.
   *
   * @default true
   */
  readonly hashIds?: boolean | undefined
}

/**
 * The specification of {@link LayoutOptions}.
 *
 * @internal
 */
export const layoutOptionSpecs: OptionSpecs<LayoutOptions> = {
  layout: oneOf(LAYOUT_NAMES),
  partitionKey: attributeName(),
  prefix: textOption('up to 512 printable ASCII characters', text => /^[\x20-\x7e]{0,512}$/.test(text)),
  sessionName: textOption('the name of a PHP session: letters, digits, "_" and "-"', text =>
    /^[\w-]+$/.test(text),
  ),
  serializer: oneOf(['php', 'php_serialize', 'php_binary']),
  base64: booleanOption(),
  emptyArray: oneOf(['list', 'map']),
  dataAttribute: attributeName(),
  dataAttributeType: oneOf(['string', 'binary']),
  ttlAttribute: attributeName(),
  staleLockSeconds: {
    takes: 'a number of seconds, 0 or more',
    accepts: (value): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0,
    fromText: numberFromText,
  },
  serialization: oneOf(['php', 'json']),
  specialKeys: {
    takes: "an array of { name, type }, with a type of 'S', 'N' or 'BOOL'",
    accepts: (value): value is readonly SpecialKey[] => Array.isArray(value) && value.every(isSpecialKey),
  },
}

/**
 * The specification of the option `migrateFrom`.
 *
 * @internal
 */
export function migrationSpec(table: OptionSpec<string>): OptionSpec<LayoutName | MigrationSource> {
  const specs: Readonly<Record<string, OptionSpec<unknown>>> = {
    ...layoutOptionSpecs,
    table,
    hashIds: booleanOption(),
  }
  return {
    takes: `the name of a layout (${LAYOUT_NAMES.join(', ')}), or an object of ${Object.keys(specs).join(', ')}`,
    accepts: (value): value is LayoutName | MigrationSource => {
      if (typeof value !== 'object' || value === null) return layoutOptionSpecs.layout.accepts(value)
      if (Array.isArray(value)) return false
      return Object.entries(value).every(([name, setting]) => {
        if (!Object.hasOwn(specs, name)) return false
        return setting === undefined || specs[name]?.accepts(setting) === true
      })
    },
    fromText: text => text,
  }
}

function oneOf<const Values extends readonly string[]>(values: Values): OptionSpec<Values[number]> {
  return {
    takes: `one of ${values.map(value => `'${value}'`).join(', ')}`,
    accepts: (value): value is Values[number] => values.some(known => known === value),
    fromText: text => text,
  }
}

function attributeName(): OptionSpec<string> {
  return textOption('the name of an attribute (1 to 255 bytes)', text => {
    return text !== '' && Buffer.byteLength(text) <= 255
  })
}

function isSpecialKey(value: unknown): value is SpecialKey {
  if (typeof value !== 'object' || value === null) return false
  const { name, type } = value as Partial<Record<keyof SpecialKey, unknown>>
  return typeof name === 'string' && name !== '' && (type === 'S' || type === 'N' || type === 'BOOL')
}
