import { SESSION_ID_HASH_LENGTH } from '../../layouts/native.ts'
import { isNative } from '../../layouts/open-layout.ts'
import { SessionCorruptError, SessionDecryptionError } from '../../errors.ts'
import type { Layout } from '../../layouts/layout.ts'
import { binaryOf, numberOf, textOf } from '../../layouts/attributes.ts'
import type { LayoutName } from '../../layouts/layout-settings.ts'
import type { AttributeValue, Item } from '../../types.ts'
import type { StoreOptions } from '../../options/store-options.ts'
import { counted } from '../output.ts'
import { type Check, check } from './check.ts'

/**
 * Tells from a few items who wrote them, and whether a store with these settings can read them. Nothing of what is in
 * them is repeated.
 */
export async function checkItems(
  sample: readonly Item[] | undefined,
  layout: Layout,
  settings: StoreOptions,
): Promise<readonly Check[]> {
  if (sample === undefined) return [check('skip', 'item format', 'no items could be read')]
  if (sample.length === 0) return [check('pass', 'item format', 'the table is empty')]
  const sessions = sample.filter(item => layout.lateRequests?.isGravestone(item) !== true)
  if (sessions.length === 0)
    return [check('pass', 'item format', 'there are only marks of sessions that have ended')]
  const written = await Promise.all(
    sessions.map(async item => ({ item, writer: await writerFor(item, layout, settings) })),
  )
  const writers = written.map(({ writer }) => writer)
  const ofLayout = writerOfLayout(layout)
  const checks = [formatCheck(writers, ofLayout)]
  const ours = written.filter(({ writer }) => writer === ofLayout).map(({ item }) => item)
  if (ours.length === 0) return checks
  const ownKeys = ours.filter(item => isOwnKey(layout.keyOfItem(item), layout, settings))
  checks.push(keyCheck(ours.length, ownKeys.length, layout))
  // What others keep in the table may be written otherwise: with other keys of encryption, or for other session IDs.
  if (ownKeys.length > 0) checks.push(await readingCheck(ownKeys, layout))
  return checks
}

const TOUCHED = 'a touch of a session that was gone'
const OTHERS = 'other software'

type Matcher = (value: AttributeValue | undefined) => boolean

const any: Matcher = value => value !== undefined
const text: Matcher = value => textOf(value) !== undefined
const number: Matcher = value => numberOf(value) !== undefined
const bytes: Matcher = value => binaryOf(value) !== undefined
const textOrBytes: Matcher = value => text(value) || bytes(value)
const map: Matcher = value => value !== undefined && 'M' in value
const phpString: Matcher = value => /^s:\d+:"/.test(textOf(value) ?? '')
const sessionKey: Matcher = value => textOf(value)?.startsWith('session#') === true

/** Software, the layout that it writes, and attributes that its items have. The first that match count. */
const SIGNATURES: readonly (readonly [
  writer: string,
  layout: LayoutName | undefined,
  attributes: Readonly<Record<string, Matcher>>,
])[] = [
  ['dynamodb-sessions', 'native', { data: textOrBytes, expiresMs: number }],
  [
    'serverless-dynamodb-session-store',
    'serverless-dynamodb-session-store',
    { session_data: text, expireTime: any },
  ],
  ['Laravel', 'laravel', { value: phpString, expires_at: number }],
  ['AdonisJS', 'adonis', { value: text, expires_at: number }],
  ['the AWS SDK for Ruby', 'aws-ruby', { session_id: text, expire_at: number }],
  ['flask-session', undefined, { val: bytes, expiration: number }],
  ['Remix or React Router (architect)', 'architect', { _idx: text, _ttl: any }],
  ['koa-session-dynamodb', 'koa-session-dynamodb', { sessionId: text, session: map }],
  ['dynamodb-store', 'dynamodb-store', { sessionId: text, sess: map }],
  ['@pwrdrvr/dynamodb-session-store', 'pwrdrvr', { id: sessionKey, sess: any }],
  ['connect-dynamodb-session', 'connect-dynamodb-session', { content: text, expires: number }],
  ['connect-dynamodb', 'connect-dynamodb', { sess: text, expires: number }],
  ['the AWS SDK for PHP', 'php', { data: textOrBytes, expires: number }],
]

/** The software that has a layout from the start. */
function writerOfLayout({ name }: Layout): string | undefined {
  return SIGNATURES.find(([, layout]) => layout === name)?.[0]
}

/** Which software wrote an item, as far as its attributes tell. */
export function writerOf(item: Item): string {
  const signature = SIGNATURES.find(([, , attributes]) =>
    Object.entries(attributes).every(([name, matches]) => matches(item[name])),
  )
  if (signature !== undefined) return signature[0]
  // Nothing but a key and an expiry: some stores leave that behind when they touch a session that is gone.
  return Object.keys(item).length === 2 && number(item['expires']) ? TOUCHED : OTHERS
}

/**
 * Which software wrote an item. Some of it is told by the names of its keys, which can be configured: then it is that of the
 * layout if that can read the item.
 */
async function writerFor(item: Item, layout: Layout, settings: StoreOptions): Promise<string> {
  const writer = writerOf(item)
  const ofLayout = writerOfLayout(layout)
  if (writer !== OTHERS || ofLayout === undefined || isNative(settings)) return writer
  if (!isOwnKey(layout.keyOfItem(item), layout, settings)) return writer
  return (await obstacleIn(item, layout)) === undefined ? ofLayout : writer
}

/** What keeps an item from being read; `undefined` when nothing does. */
async function obstacleIn(item: Item, layout: Layout): Promise<Error | undefined> {
  try {
    await layout.prepareToRead(item)
    layout.fromItem(item)
    return undefined
  } catch (error) {
    if (error instanceof SessionDecryptionError || error instanceof SessionCorruptError) return error
    throw error
  }
}

function formatCheck(writers: readonly string[], ofLayout: string | undefined): Check {
  const counts = new Map<string, number>()
  for (const writer of writers) counts.set(writer, (counts.get(writer) ?? 0) + 1)
  const found = `of ${counted(writers.length, 'item')}: ${[...counts].map(([writer, count]) => `${count} by ${writer}`).join(', ')}`
  if (writers.every(writer => writer === ofLayout)) return check('pass', 'item format', found)
  const fix = SIGNATURES.some(([writer, layout]) => layout !== undefined && counts.has(writer))
    ? '--layout (DYNAMODB_SESSIONS_LAYOUT) reads items of other software, DYNAMODB_SESSIONS_MIGRATE_FROM moves them'
    : 'docs/storage-schema.md describes the items that are read; others are left alone'
  return check('warn', 'item format', found, fix)
}

/** What decides about the keys of a layout besides the prefix, as a finding and as its remedy name it. */
const KEY_SETTINGS: Readonly<Record<string, readonly [made: string, given: string]>> = {
  native: ['the prefix and the hashing make', 'the prefix (--prefix) and the hashing (--no-hash-ids)'],
  php: ['the prefix and the session name make', 'the prefix (--prefix) and DYNAMODB_SESSIONS_SESSION_NAME'],
}

/** Whether the keys are as these settings make them. */
function keyCheck(items: number, own: number, { name }: Layout): Check {
  const others = items - own
  const [make, given] = KEY_SETTINGS[name] ?? ['the prefix makes', 'the prefix (--prefix)']
  if (others === 0) return check('pass', 'item keys', `they are as ${make} them`)
  const found = `${others} of ${counted(items, 'item')} ${others === 1 ? 'has a key' : 'have keys'} that these settings do not make`
  const fix = `another application may share the table; else give ${given} of the application`
  return check('warn', 'item keys', found, fix)
}

function isOwnKey(
  key: string | undefined,
  layout: Layout,
  { prefix = '', hashIds = true, ...settings }: StoreOptions,
): boolean {
  if (key === undefined) return false
  if (!isNative(settings)) return layout.idOfKey(key) !== undefined
  return key.startsWith(prefix) && (!hashIds || key.length === prefix.length + SESSION_ID_HASH_LENGTH)
}

async function readingCheck(ours: readonly Item[], layout: Layout): Promise<Check> {
  const obstacles = await Promise.all(ours.map(item => obstacleIn(item, layout)))
  const undecrypted = obstacles.filter(error => error instanceof SessionDecryptionError).length
  const corrupt = obstacles.filter(error => error instanceof SessionCorruptError).length
  const of = `of ${counted(ours.length, 'item')}`
  if (undecrypted > 0) {
    const found = `${undecrypted} ${of} cannot be decrypted with the keys of DYNAMODB_SESSIONS_ENCRYPTION`
    const fix =
      'put the key that they were written with behind the current one; docs/encryption.md has the details'
    return check('fail', 'item content', found, fix)
  }
  if (corrupt === 0) return check('pass', 'item content', 'it can be read')
  const fix = 'look at them with list and show --key'
  return check('warn', 'item content', `${corrupt} ${of} cannot be read`, fix)
}
