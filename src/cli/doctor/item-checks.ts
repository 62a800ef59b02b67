import { SessionCorruptError, SessionDecryptionError } from '../../errors.ts'
import type { Layout } from '../../layout/layout.ts'
import { SESSION_ID_HASH_LENGTH } from '../../seal/session-id-hash.ts'
import type { Item } from '../../types.ts'
import { counted } from '../format.ts'
import { isNative, type StoreSettings } from '../store-settings.ts'
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
  const ours = sample.filter(item => writerOf(item) === WRITERS[layout.name])
  const checks = [formatCheck(sample, ours.length)]
  if (ours.length === 0) return checks
  if (isNative(settings)) checks.push(keyCheck(ours, layout, settings))
  checks.push(await readingCheck(ours, layout))
  return checks
}

function formatCheck(sample: readonly Item[], ours: number): Check {
  const counts = new Map<ItemWriter, number>()
  for (const item of sample) {
    const writer = writerOf(item)
    counts.set(writer, (counts.get(writer) ?? 0) + 1)
  }
  const found = `of ${counted(sample.length, 'item')}: ${[...counts].map(([writer, count]) => `${count} by ${writer}`).join(', ')}`
  if (ours === sample.length) return check('pass', 'item format', found)
  const isReadable = Object.values(WRITERS).some(writer => writer !== undefined && counts.has(writer))
  const fix = isReadable
    ? '--layout (DYNAMODB_SESSIONS_LAYOUT) reads items of other software, DYNAMODB_SESSIONS_MIGRATE_FROM moves them'
    : 'docs/storage-schema.md describes the items that are read; others are left alone'
  return check('warn', 'item format', found, fix)
}

/** Whether the keys are as the prefix and the hashing of these settings make them. */
function keyCheck(
  ours: readonly Item[],
  layout: Layout,
  { prefix = '', hashIds = true }: StoreSettings,
): Check {
  const others = ours.filter(item => !isOwnKey(layout.keyOfItem(item), prefix, hashIds)).length
  if (others === 0) return check('pass', 'item keys', 'they are as the prefix and the hashing make them')
  const found = `${others} of ${counted(ours.length, 'item')} ${others === 1 ? 'has a key' : 'have keys'} that these settings do not make`
  const fix =
    'another application may share the table; else give the prefix (--prefix) and the hashing (--no-hash-ids) of the application'
  return check('warn', 'item keys', found, fix)
}

function isOwnKey(key: string | undefined, prefix: string, hashIds: boolean): boolean {
  if (key === undefined || !key.startsWith(prefix)) return false
  return !hashIds || key.length === prefix.length + SESSION_ID_HASH_LENGTH
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
