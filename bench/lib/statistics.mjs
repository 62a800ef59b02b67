/**
 * The middle of some numbers; between the two middle ones when their count is even.
 *
 * @param {readonly number[]} numbers At least one.
 */
export function median(numbers) {
  return quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  )
}

/**
 * A quantile with linear interpolation.
 *
 * @param {ArrayLike<number>} sorted At least one number, in ascending order.
 * @param {number} fraction From 0 to 1.
 */
export function quantile(sorted, fraction) {
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined) throw new RangeError('there is no quantile of nothing')
  return below + (above - below) * (position - Math.floor(position))
}

/**
 * The median of each field over several results of the same shape.
 *
 * @template {Record<string, number>} Result
 * @param {readonly Result[]} results At least one.
 * @returns {Result}
 */
export function medians(results) {
  const [first] = results
  if (first === undefined) throw new RangeError('there is no median of nothing')
  const names = /** @type {(keyof Result)[]} */ (Object.keys(first))
  return /** @type {Result} */ (
    Object.fromEntries(names.map(name => [name, median(results.map(result => Number(result[name])))]))
  )
}
