/**
 * The candidate that somebody probably meant who wrote `word`: the one with the fewest letters added, left out,
 * changed or swapped with their neighbours, if these are few enough; else the shortest one that begins with the word.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lowered = word.toLowerCase()
  const most = Math.max(1, Math.floor(lowered.length / 3))
  let best: string | undefined
  let fewest = most + 1
  for (const candidate of candidates) {
    const edits = distance(lowered, candidate)
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  if (best !== undefined || lowered.length < 2) return best
  const [shortest] = candidates
    .filter(each => each.startsWith(lowered))
    .sort((one, other) => one.length - other.length)
  return shortest
}

/** The end of a sentence about a word that there is not. */
export function didYouMean(candidate: string | undefined): string {
  return candidate === undefined ? '' : `; did you mean ${candidate}?`
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
