import { SessionCorruptError, SessionDecryptionError } from '../../errors.ts'
import type { Layout } from '../../layouts/layout.ts'
import { SESSION_ID_HASH_LENGTH } from '../../encryption/session-id-hash.ts'
import type { Item } from '../../types.ts'
import { counted } from '../format.ts'
import { isNative } from '../../layouts/open-layout.ts'
import type { StoreSettings } from '../store-settings.ts'
import { type Check, check } from './check.ts'
import { type ItemWriter, WRITERS, writerOf } from './item-format.ts'

/**
 * Tells from a few items who wrote them, and whether a store with these settings can read them. Nothing of what is in
 * them is repeated.
 */
export async function checkItems(
  sample: readonly Item[] | undefined,
  layout: Layout,
  settings: StoreSettings,
): Promise<readonly Check[]> {
  if (sample === undefined) return [check('skip', 'item format', 'no items could be read')]
  if (sample.length === 0) return [check('pass', 'item format', 'the table is empty')]
  const written = sample.map(item => ({ item, writer: writerFor(item, layout, settings) }))
  const checks = [
    formatCheck(
      written.map(({ writer }) => writer),
      layout,
    ),
  ]
  const ours = written.filter(({ writer }) => writer === WRITERS[layout.name]).map(({ item }) => item)
  if (ours.length === 0) return checks
  const ownKeys = ours.filter(item => isOwnKey(layout.keyOfItem(item), layout, settings))
  checks.push(keyCheck(ours.length, ownKeys.length, layout))
  // What others keep in the table may be written otherwise: with other keys of encryption, or for other session IDs.
  if (ownKeys.length > 0) checks.push(await readingCheck(ownKeys, layout))
  return checks
}

/**
 * Which software wrote an item. Some of it is told by the names of its keys, which can be configured: then it is that of the
 * layout if that can read the item.
 */
function writerFor(item: Item, layout: Layout, settings: StoreSettings): ItemWriter {
  const writer = writerOf(item)
  const ofLayout = WRITERS[layout.name]
  if (writer !== 'other software' || ofLayout === undefined || isNative(settings)) return writer
  return isOwnKey(layout.keyOfItem(item), layout, settings) && canBeRead(item, layout) ? ofLayout : writer
}

function canBeRead(item: Item, layout: Layout): boolean {
  try {
    layout.fromItem(item)
    return true
  } catch (error) {
    if (error instanceof SessionCorruptError) return false
    throw error
  }
}

function formatCheck(writers: readonly ItemWriter[], layout: Layout): Check {
  const counts = new Map<ItemWriter, number>()
  for (const writer of writers) counts.set(writer, (counts.get(writer) ?? 0) + 1)
  const found = `of ${counted(writers.length, 'item')}: ${[...counts].map(([writer, count]) => `${count} by ${writer}`).join(', ')}`
  if (writers.every(writer => writer === WRITERS[layout.name])) return check('pass', 'item format', found)
  const isReadable = Object.values(WRITERS).some(writer => writer !== undefined && counts.has(writer))
  const fix = isReadable
    ? '--layout (DYNAMODB_SESSIONS_LAYOUT) reads items of other software, DYNAMODB_SESSIONS_MIGRATE_FROM moves them'
    : 'docs/storage-schema.md describes the items that are read; others are left alone'
  return check('warn', 'item format', found, fix)
}

/** Whether the keys are as these settings make them. */
function keyCheck(items: number, own: number, { name }: Layout): Check {
  const others = items - own
  const [made, given] = KEY_SETTINGS[name] ?? ['the prefix', 'the prefix (--prefix)']
  if (others === 0)
    return check('pass', 'item keys', `they are as ${made} ${name in KEY_SETTINGS ? 'make' : 'makes'} them`)
  const found = `${others} of ${counted(items, 'item')} ${others === 1 ? 'has a key' : 'have keys'} that these settings do not make`
  return check(
    'warn',
    'item keys',
    found,
    `another application may share the table; else give ${given} of the application`,
  )
}

/** What else than the prefix decides about the keys of a layout, as a finding and as its remedy name it. */
const KEY_SETTINGS: Readonly<Record<string, readonly [made: string, given: string]>> = {
  native: ['the prefix and the hashing', 'the prefix (--prefix) and the hashing (--no-hash-ids)'],
  php: ['the prefix and the session name', 'the prefix (--prefix) and DYNAMODB_SESSIONS_SESSION_NAME'],
}

function isOwnKey(
  key: string | undefined,
  layout: Layout,
  { prefix = '', hashIds = true, ...settings }: StoreSettings,
): boolean {
  if (key === undefined) return false
  if (!isNative(settings)) return layout.idOfKey(key) !== undefined
  return key.startsWith(prefix) && (!hashIds || key.length === prefix.length + SESSION_ID_HASH_LENGTH)
}

async function readingCheck(ours: readonly Item[], layout: Layout): Promise<Check> {
  let undecrypted = 0
  let corrupt = 0
  for (const item of ours) {
    try {
      await layout.prepare(item)
      layout.fromItem(item)
    } catch (error) {
      if (error instanceof SessionDecryptionError) undecrypted++
      else if (error instanceof SessionCorruptError) corrupt++
      else throw error
    }
  }
  if (undecrypted > 0) {
    const found = `${undecrypted} of ${counted(ours.length, 'item')} cannot be decrypted with the keys of DYNAMODB_SESSIONS_ENCRYPTION`
    const fix =
      'put the key that they were written with behind the current one; docs/encryption.md has the details'
    return check('fail', 'item content', found, fix)
  }
  if (corrupt > 0) {
    const found = `${corrupt} of ${counted(ours.length, 'item')} cannot be read`
    return check('warn', 'item content', found, 'look at them with list and show --key')
  }
  return check('pass', 'item content', 'it can be read')
}
