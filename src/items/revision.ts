import { randomBytes } from 'node:crypto'

const MARKER_BYTES = 9
const MARKERS_AT_ONCE = 100
const MARKER_LENGTH = 12

/** How many earlier writes a revision remembers, and how many characters of the marker of each. */
const REMEMBERED = 4
const REMEMBERED_LENGTH = 8

let random: Buffer | undefined
let used = 0

/**
 * A random marker for one write: what tells it from every other write of the session. All attempts of a write share it, so
 * that any of them can be recognised.
 *
 * The randomness for many markers is fetched at once: each time, the system is asked for it, which takes longer than to sign
 * a request.
 */
export function newMarker(): string {
  if (random === undefined || used === random.length) {
    random = randomBytes(MARKER_BYTES * MARKERS_AT_ONCE)
    used = 0
  }
  const start = used
  used += MARKER_BYTES
  return random.toString('base64url', start, used)
}

/**
 * The revision of a write: its marker, followed by the first characters of those of the writes before it. A writer whose
 * response was lost finds its own write there, although others have written since (G11).
 *
 * @param previous the revision that it replaces, also one of an older version of the package, which is a marker alone.
 */
export function revisionAfter(previous: string | undefined, marker: string): string {
  if (previous === undefined) return marker
  const earlier = previous.slice(MARKER_LENGTH, MARKER_LENGTH + (REMEMBERED - 1) * REMEMBERED_LENGTH)
  return marker + previous.slice(0, REMEMBERED_LENGTH) + earlier
}

/** The marker of the write that made a revision: all that it has to hold. */
export function markerOf(revision: string): string {
  return revision.slice(0, MARKER_LENGTH)
}

/** Whether a write, or one that the revision remembers, is the one with a marker. */
export function isWriteOf(marker: string, revision: string | undefined): boolean {
  if (revision === undefined || revision.startsWith(marker)) return revision !== undefined
  const start = marker.slice(0, REMEMBERED_LENGTH)
  for (let index = MARKER_LENGTH; index < revision.length; index += REMEMBERED_LENGTH) {
    if (revision.startsWith(start, index)) return true
  }
  return false
}
