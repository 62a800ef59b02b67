/** Durations for people. */

/**
 * @param {number} ms
 * @returns {string} with two digits that count
 */
export function milliseconds(ms) {
  return `${ms < 100 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms`
}

/**
 * @param {number} ms
 * @returns {string} the two largest units, such as `29 min 12 s`
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return [minutes > 0 && `${minutes} min`, (seconds % 60 > 0 || minutes === 0) && `${seconds % 60} s`]
    .filter(Boolean)
    .join(' ')
}
