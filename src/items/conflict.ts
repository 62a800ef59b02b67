import type { ConflictTrace } from '../diagnostics.ts'
import { conflictTraces, type Draft } from '../internal/diagnostics.ts'
import type { StoredSession } from '../layouts/layout.ts'
import type { ConflictPolicy, SessionConflict } from '../options/store-options.ts'
import type { SessionData } from '../types.ts'
import type { ItemTable } from './item-table.ts'
import { type Merged, mergeSessionData } from './merge.ts'
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
