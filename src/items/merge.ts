import { isObject } from '../internal/core-objects.ts'
import type { ConflictTrace } from '../diagnostics.ts'
import { conflictTraces, type Draft } from '../internal/diagnostics.ts'
import type { SessionCodec, StoredSession } from '../layouts/layout.ts'
import type { ConflictPolicy, SessionConflict } from '../options/store-options.ts'
import type { SessionData } from '../types.ts'
import type { ItemTable } from './item-table.ts'
import type { SessionSnapshot } from './session-record.ts'

/** How the conflicts of a save are resolved. */
export interface ConflictTerms {
  readonly onConflict: ConflictPolicy<never>
  /** Whose session some data make it, of one that is somebody's now. */
  readonly userOf: (data: SessionData, current: string | undefined) => string | undefined
}

/** Versions of one session that have to become one again. */
interface Versions {
  readonly basis: string
  readonly ours: StoredSession
  readonly theirs: StoredSession
  /** Which attempt of a save met `theirs`, for traces. */
  readonly attempt?: number
}

/** What is to be written instead, when somebody else has written the session. */
export async function resolveConflict(
  table: ItemTable,
  terms: ConflictTerms,
  versions: Versions,
): Promise<StoredSession> {
  const { ours, theirs } = versions
  if (terms.onConflict === 'overwrite') return { ...ours, birth: theirs.birth, createdMs: theirs.createdMs }
  if (!conflictTraces.channels.hasSubscribers) return resolve(table, terms, versions)
  const trace: Draft<ConflictTrace> = { table: table.name, policy: policyOf(terms) }
  if (versions.attempt !== undefined) trace.attempt = versions.attempt
  return conflictTraces.observe(trace, () => resolve(table, terms, versions, trace), {
    conclude: result => {
      const outcome = trace.policy === 'resolver' ? 'resolved' : 'merged'
      trace.outcome = 'value' in result ? outcome : 'failed'
    },
  })
}

async function resolve(
  table: ItemTable,
  { onConflict, userOf }: ConflictTerms,
  { basis, ours, theirs }: Versions,
  trace?: Draft<ConflictTrace>,
): Promise<StoredSession> {
  const merged = merge(table, basis, ours.text, theirs.text)
  if (trace !== undefined) trace.conflictingKeys = merged.conflictingKeys.length
  if (typeof onConflict !== 'function') return withText(table, ours, theirs, merged.text, userOf)
  const { codec } = table.layout
  const data: SessionData = await onConflict({
    basis: codec.decode(basis),
    ours: codec.decode(ours.text),
    theirs: codec.decode(theirs.text),
    merged: codec.decode(merged.text),
    conflictingKeys: merged.conflictingKeys,
  } as SessionConflict<never>)
  return withText(table, ours, theirs, codec.encode(data, merged.text), userOf)
}

/** What a save writes at first: after one that merged, what others wrote then is merged in before anything is sent. */
export function afterEarlierMerge(
  table: ItemTable,
  { session: stored, baseText }: SessionSnapshot,
  session: StoredSession,
  userOf: ConflictTerms['userOf'],
): StoredSession {
  if (baseText === stored.text) return session
  const { text } = merge(table, baseText, session.text, stored.text)
  return withText(table, session, stored, text, userOf)
}

/** The policy as traces name it. */
export function policyOf({ onConflict }: ConflictTerms): ConflictTrace['policy'] {
  return typeof onConflict === 'function' ? 'resolver' : onConflict
}

/** Two versions as one, as text: what the application is to see is decoded from that. */
function merge(
  { layout: { codec } }: ItemTable,
  basis: string,
  ours: string,
  theirs: string,
): Pick<Merged, 'conflictingKeys'> & { readonly text: string } {
  const divergence = {
    basis: codec.decodeExactly(basis),
    ours: codec.decodeExactly(ours),
    theirs: codec.decodeExactly(theirs),
  }
  const { data, conflictingKeys } = mergeSessionData(divergence, (left, right) => codec.isSame(left, right))
  return { text: codec.encode(data, theirs), conflictingKeys }
}

function withText(
  { layout: { codec } }: ItemTable,
  ours: StoredSession,
  theirs: StoredSession,
  text: string,
  userOf: ConflictTerms['userOf'],
): StoredSession {
  const data = codec.decode(text)
  return {
    ...ours,
    data,
    text,
    expiresMs: Math.max(ours.expiresMs, theirs.expiresMs),
    createdMs: theirs.createdMs ?? ours.createdMs,
    birth: theirs.birth,
    user: userOf(data, theirs.user),
  }
}

/** Two versions of a session that both come from a third, each as the codec of the layout decodes it. */
interface Divergence {
  /** What both were made from. */
  readonly basis: SessionData
  /** What is to be written. */
  readonly ours: SessionData
  /** What somebody else wrote meanwhile. */
  readonly theirs: SessionData
}

/** The outcome of {@link mergeSessionData}. */
export interface Merged {
  /** The changes of both sides together. */
  readonly data: SessionData
  /** Top-level keys that both sides changed, and not to the same value; `data` has ours. */
  readonly conflictingKeys: readonly string[]
}

type IsSame = SessionCodec['isSame']

/**
 * Top-level key under which the frameworks keep the cookie, an object that says when it expires. Every request renews it,
 * which is no conflict. What else an application may keep under that name is data like any other.
 */
const COOKIE = 'cookie'
/** Where the cookie says when it expires. */
const EXPIRES = 'expires'
/** Where express-session keeps how long it lives. */
const LIFETIME = 'originalMaxAge'
const NEGLIGIBLE_MS = 1000

/**
 * Merges two versions of a session by top-level key against what both were made from (G2): a key that one side
 * added, changed or removed is taken from that side; of one that both changed, ours is taken.
 *
 * The properties of the cookie are merged in the same way, and its expiry is that of the side that changed how long it
 * lives, else the later of the two.
 */
export function mergeSessionData({ basis, ours, theirs }: Divergence, isSame: IsSame): Merged {
  // A key may be called "__proto__": entries and fromEntries treat it as any other.
  const data = new Map(Object.entries(theirs))
  const conflictingKeys: string[] = []
  for (const key of new Set([...Object.keys(basis), ...Object.keys(ours), ...Object.keys(theirs)])) {
    const [before, mine, other] = [own(basis, key), own(ours, key), own(theirs, key)]
    if (key === COOKIE && isCookie(mine) && isCookie(other)) {
      data.set(key, mergeCookies(before, mine, other, isSame))
      continue
    }
    if (isSame(mine, before) || isSame(mine, other)) continue
    if (!isSame(other, before)) conflictingKeys.push(key)
    if (mine === undefined) data.delete(key)
    else data.set(key, mine)
  }
  return { data: Object.fromEntries(data), conflictingKeys }
}

/**
 * Whether saving one version over the other would change nothing but the moment of expiry, which the frameworks
 * keep in the cookie, too.
 */
export function isUnchanged(ours: SessionData, basis: SessionData, isSame: IsSame): boolean {
  if (!isSame(without(ours, COOKIE), without(basis, COOKIE))) return false
  const [mine, before] = [own(ours, COOKIE), own(basis, COOKIE)]
  if (cookieExpiry(mine) === undefined || cookieExpiry(before) === undefined) return isSame(mine, before)
  return isSameLifetime(mine, before) && isSame(withoutTimes(mine), withoutTimes(before))
}

/** The same as {@link isUnchanged}, of what a codec encoded; it decodes no more of it than it has to. */
export function isUnchangedText(codec: SessionCodec, ours: string, basis: string): boolean {
  if (ours === basis) return true
  const parts =
    codec.differingParts === undefined ? ([ours, basis] as const) : codec.differingParts(ours, basis)
  if (parts === undefined) return false
  const [mine, before] = parts
  return isUnchanged(codec.decodeExactly(mine), codec.decodeExactly(before), (left, right) =>
    codec.isSame(left, right),
  )
}

/** express-session computes the lifetime anew from two looks at the clock, between which it may tick. */
function isSameLifetime(left: unknown, right: unknown): boolean {
  const [mine, other] = [own(left, LIFETIME), own(right, LIFETIME)]
  if (typeof mine !== 'number' || typeof other !== 'number') return mine === other
  return Math.abs(mine - other) < NEGLIGIBLE_MS
}

function withoutTimes(cookie: unknown): unknown {
  return without(without(cookie, EXPIRES), LIFETIME)
}

function mergeCookies(basis: unknown, ours: unknown, theirs: unknown, isSame: IsSame): unknown {
  // A cookie that was not there before has nothing to be compared with.
  const before = isCookie(basis) ? basis : theirs
  const cookie = new Map(Object.entries(theirs as object))
  for (const name of new Set([...cookie.keys(), ...Object.keys(ours as object)])) {
    const mine = own(ours, name)
    const isOurs = name === LIFETIME ? !isSameLifetime(ours, before) : !isSame(mine, own(before, name))
    if (!isOurs || name === EXPIRES) continue
    if (mine === undefined) cookie.delete(name)
    else cookie.set(name, mine)
  }
  cookie.set(EXPIRES, own(expiringCookie(before, ours, theirs), EXPIRES))
  return Object.fromEntries(cookie)
}

/** Of two versions of a cookie, the one by which it expires. */
function expiringCookie(basis: unknown, ours: unknown, theirs: unknown): unknown {
  const [isOurs, isTheirs] = [!isSameTerm(ours, basis), !isSameTerm(theirs, basis)]
  if (isOurs !== isTheirs) return isOurs ? ours : theirs
  const [mine, other] = [cookieExpiry(ours), cookieExpiry(theirs)]
  return mine === undefined || other === undefined || mine >= other ? ours : theirs
}

/** Whether two cookies live equally long, or both for as long as the browser's session. */
function isSameTerm(left: unknown, right: unknown): boolean {
  return (
    isSameLifetime(left, right) && (cookieExpiry(left) === undefined) === (cookieExpiry(right) === undefined)
  )
}

function isCookie(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, EXPIRES)
}

function cookieExpiry(cookie: unknown): number | undefined {
  const expires = own(cookie, EXPIRES)
  const epochMs = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  return Number.isNaN(epochMs) ? undefined : epochMs
}

function without(value: unknown, key: string): unknown {
  if (!isObject(value) || !Object.hasOwn(value, key)) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
}

function own(value: unknown, key: string): unknown {
  if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
  return Reflect.get(value, key)
}
