import { isObject } from '../internal/core-objects.ts'
import type { EncryptionOptions } from '../encryption/encryption-options.ts'
import {
  LAYOUT_NAMES,
  type LayoutName,
  type LayoutOptions,
  type SpecialKey,
} from '../layouts/layout-settings.ts'
import {
  booleanOption,
  type GivenOptions,
  layoutConflict,
  numberOption,
  objectOption,
  type OptionRow,
  type OptionRows,
  textOption,
  wordOption,
} from '../internal/option.ts'

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

const php = { layouts: ['php'] } as const

/**
 * The rows of {@link LayoutOptions}.
 *
 * @internal
 */
export const layoutRows: OptionRows<LayoutOptions> = {
  partitionKey: {
    ...attributeOption(),
    flag: 'name',
  },
  layout: {
    ...wordOption(LAYOUT_NAMES),
    flag: 'name',
  },
  prefix: {
    ...textOption('up to 512 printable ASCII characters', /^[\x20-\x7e]{0,512}$/),
    flag: 'text',
  },
  sessionName: {
    ...textOption('the name of a PHP session: letters, digits, "_" and "-"', /^[\w-]+$/),
    ...php,
  },
  serializer: { ...wordOption(['php', 'php_serialize', 'php_binary']), ...php },
  base64: { ...booleanOption(), ...php },
  emptyArray: { ...wordOption(['list', 'map']), ...php },
  dataAttribute: { ...attributeOption(), ...php },
  dataAttributeType: { ...wordOption(['string', 'binary']), ...php },
  ttlAttribute: { ...attributeOption(), ...php },
  staleLockSeconds: { ...numberOption('seconds', 0, Number.MAX_VALUE), ...php },
  serialization: { ...wordOption(['php', 'json']), layouts: ['laravel'] },
  specialKeys: {
    takes: "an array of { name, type }, with a type of 'S', 'N' or 'BOOL'",
    accepts: value => Array.isArray(value) && value.every(isSpecialKey),
    layouts: ['connect-dynamodb'],
  },
}

/** Whether keys are hashes: the layouts of other software store session IDs as they are. */
export const hashIdsRow: OptionRow<boolean> = {
  ...booleanOption(),
  layouts: ['native'],
  elsewhere: false,
  flag: '',
}

/** Data that are never written need no attributes beside them. */
const neverHeeded = { layouts: [] } as const

/**
 * The row of the option `migrateFrom`.
 *
 * @internal
 */
export function migrationRow(table: OptionRow<string>): OptionRow<LayoutName | MigrationSource> {
  const rows: OptionRows<LayoutOptions & MigrationSource> = {
    ...layoutRows,
    table,
    hashIds: hashIdsRow,
    dataAttributeType: { ...layoutRows.dataAttributeType, ...neverHeeded },
    specialKeys: { ...layoutRows.specialKeys, ...neverHeeded },
    serialization: { ...layoutRows.serialization, ...neverHeeded },
  }
  const name = `the name of a layout (${LAYOUT_NAMES.join(', ')})`
  return {
    ...objectOption<LayoutName | MigrationSource>(
      `${name}, or an object of ${Object.keys(rows).join(', ')}`,
      rows,
      { ...wordOption(LAYOUT_NAMES), takes: name },
    ),
    conflict: (from, given) =>
      sourceConflict(typeof from === 'string' ? { layout: from } : from, rows, given),
  }
}

function sourceConflict(
  source: MigrationSource,
  rows: OptionRows<LayoutOptions & MigrationSource>,
  { name, options, nameOf }: GivenOptions,
): string | undefined {
  const problem = layoutConflict({ ...source }, rows, option => `of "${name}" the option "${option}"`)
  if (problem !== undefined) return problem
  const { layout = 'native' } = source
  const encryption = options['encryption'] as EncryptionOptions | undefined
  if (encryption?.unencrypted !== 'refuse' || layout === 'native') return undefined
  return (
    `${nameOf('encryption')} refuses unencrypted sessions ("unencrypted"), and ${nameOf(name)} reads those of the ` +
    `layout "${layout}", which are; accept them until all have been moved ("unencrypted": "read")`
  )
}

function attributeOption(): OptionRow<string> {
  return textOption(
    'the name of an attribute (1 to 255 bytes)',
    text => text !== '' && Buffer.byteLength(text) <= 255,
  )
}

function isSpecialKey(value: unknown): boolean {
  if (!isObject(value)) return false
  const { name, type } = value as Partial<Record<keyof SpecialKey, unknown>>
  return typeof name === 'string' && name !== '' && (type === 'S' || type === 'N' || type === 'BOOL')
}
