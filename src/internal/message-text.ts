/**
 * The candidate that was probably meant by `word`: the one with the fewest letters added, left out, changed or swapped with
 * their neighbours, if these are few enough; else the shortest one that begins with the word, or one that the word begins
 * with (`tableName` for `table`). Case, `-` and `_` don't count.
 */
export function closestMatch<Candidate extends string>(
  word: string,
  candidates: readonly Candidate[],
): Candidate | undefined {
  const letters = lettersOf(word)
  let best: Candidate | undefined
  let fewest = Math.max(1, Math.floor(letters.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(letters, lettersOf(candidate))
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  if (best !== undefined || letters.length < 2) return best
  const byLength = candidates.toSorted((one, other) => one.length - other.length)
  return (
    byLength.find(each => lettersOf(each).startsWith(letters)) ??
    byLength.findLast(each => each.length >= LEAST_BEGINNING && letters.startsWith(lettersOf(each)))
  )
}

/** The end of a sentence about a word that there is not. */
export function didYouMean(candidate: string | undefined): string {
  return candidate === undefined ? '' : `; did you mean ${candidate}?`
}

/** A word that begins with fewer letters of a candidate is another word: `cacheTtl` is not meant as `ca`. */
const LEAST_BEGINNING = 4

function lettersOf(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Edit distance of Damerau and Levenshtein, for neighbours that are swapped once (optimal string alignment). */
function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      let edits = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
      )
      const isSwapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (isSwapped) edits = Math.min(edits, at(beforeLast, column - 2) + 1)
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return at(last, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}

/** What a terminal or a log obeys instead of showing it: control characters, line breaks, changes of direction. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A text from outside as it may stand in a message, an error, a trace or a log: of limited length, without characters that
 * do anything there. It is not checked for secrets.
 */
export function foreignText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll(OBEYED, ' ').trim()
}

const REQUEST_ID = /^[\w.:+/=-]{1,128}$/

/** The ID that a service gives a response, if it is one: anything else is of no use to anybody, and not passed on. */
export function requestIdIn(value: string | undefined): string | undefined {
  return value !== undefined && REQUEST_ID.test(value) ? value : undefined
}
