import { isDeepStrictEqual } from 'node:util'

import { mergeSessionData } from '../../items/merge.ts'
import type { SessionData } from '../../types.ts'

/** How parallel changes of a value become one. */
export interface Merger {
  /** Whether a value that has been deleted since it was read is written all the same. */
  readonly recreates: boolean
  /**
   * The changes of both sides together.
   *
   * @param basis what was read; `undefined` when there was nothing, and for the others likewise.
   * @param ours what is to be written.
   * @param theirs what somebody else has written meanwhile.
   * @returns what to write; `undefined` when nothing is left.
   */
  readonly merge: (
    basis: string | undefined,
    ours: string | undefined,
    theirs: string | undefined,
  ) => string | undefined
}

/** An entry of the list of a user's sessions. */
interface ActiveSession {
  readonly token: string
  readonly expiresAt: number
}

const LIST_PREFIX = 'active-sessions-'

/** How the values of a key are merged; `undefined` for keys whose writes do not look at what is stored. */
export function mergerOf(key: string, text: string | undefined): Merger | undefined {
  if (key.startsWith(LIST_PREFIX)) return isMergeableList(text) ? listMerger : undefined
  return text !== undefined && isSessionOf(key, text) ? sessionMerger : undefined
}

/** A user's list loses no session that another request has added to it (G2). */
const listMerger: Merger = {
  recreates: true,
  merge: (basis, ours, theirs) => {
    const before = new Set(listOf(basis)?.map(({ token }) => token))
    const merged = new Map(listOf(theirs)?.map(entry => [entry.token, entry]))
    const mine = new Map(listOf(ours)?.map(entry => [entry.token, entry]))
    for (const token of before) if (!mine.has(token)) merged.delete(token)
    for (const [token, entry] of mine) {
      // What the other side has removed stays removed.
      if (!before.has(token) || merged.has(token)) merged.set(token, entry)
    }
    const entries = [...merged.values()].toSorted((left, right) => left.expiresAt - right.expiresAt)
    return entries.length === 0 ? undefined : JSON.stringify(entries)
  },
}

/** A session that was deleted stays deleted (G3), and parallel changes of different fields are both kept (G2). */
const sessionMerger: Merger = {
  recreates: false,
  merge: (basis, ours, theirs) => {
    const [before, mine, other] = [objectOf(basis), objectOf(ours), objectOf(theirs)]
    if (before === undefined || mine === undefined || other === undefined) return ours
    const merged = mergeSessionData({ basis: before, ours: mine, theirs: other }, isDeepStrictEqual).data
    for (const part of ['session', 'user']) {
      const [partBefore, partMine, partOther] = [before, mine, other].map(value => recordOf(value[part]))
      if (partBefore === undefined || partMine === undefined || partOther === undefined) continue
      const divergence = { basis: partBefore, ours: partMine, theirs: partOther }
      merged[part] = mergeSessionData(divergence, isDeepStrictEqual).data
    }
    return JSON.stringify(merged)
  },
}

/** Whether a text is a session, as better-auth stores it under its token. */
function isSessionOf(key: string, text: string): boolean {
  return recordOf(objectOf(text)?.['session'])?.['token'] === key
}

function isMergeableList(text: string | undefined): boolean {
  return text === undefined || listOf(text) !== undefined
}

/** The entries of a list; `undefined` for what is no list of sessions. */
function listOf(text: string | undefined): readonly ActiveSession[] | undefined {
  const list = parsed(text)
  return Array.isArray(list) && list.every(isActiveSession) ? list : undefined
}

function isActiveSession(value: unknown): value is ActiveSession {
  const entry = recordOf(value)
  return typeof entry?.['token'] === 'string' && typeof entry['expiresAt'] === 'number'
}

function objectOf(text: string | undefined): SessionData | undefined {
  return recordOf(parsed(text))
}

function recordOf(value: unknown): SessionData | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as SessionData)
    : undefined
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return undefined
  }
}
