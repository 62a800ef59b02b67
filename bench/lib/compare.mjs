import { max, median, min } from 'simple-statistics'

import { number } from './format.mjs'

/** @typedef {import('../types.d.ts').MeasuredRow} MeasuredRow */
/** @typedef {{ middle: number, least: number, most: number }} Spread */

/**
 * The values of a field over the rounds.
 *
 * @param {MeasuredRow | undefined} row
 * @param {string} contender
 * @param {string} field
 * @returns {Spread | undefined} Nothing where it was not measured.
 */
export function spreadOf(row, contender, field) {
  return summarise(row?.samples[contender]?.map(sample => sample[field]) ?? [])
}

/**
 * A ratio to another contender: of the two samples of each round, so that what has changed from round to round does not
 * count.
 *
 * @param {MeasuredRow | undefined} row
 * @param {string} contender
 * @param {string} reference
 * @param {string} field
 */
export function ratioOf(row, contender, reference, field) {
  const references = row?.samples[reference] ?? []
  return summarise(
    row?.samples[contender]?.map(
      (sample, round) => (sample[field] ?? NaN) / (references[round]?.[field] ?? NaN),
    ) ?? [],
  )
}

/**
 * The median, and from where to where the values go when they differ.
 *
 * @param {Spread | undefined} spread
 * @param {string} [unit]
 */
export function withSpread(spread, unit = '') {
  if (spread === undefined) return ''
  const [least, most] = [number(spread.least), number(spread.most)]
  return least === most ? number(spread.middle, unit) : `${number(spread.middle, unit)} (${least}–${most})`
}

/** @param {readonly (number | undefined)[]} values */
function summarise(values) {
  const known = values.filter(value => value !== undefined).filter(Number.isFinite)
  return known.length === 0 ? undefined : { middle: median(known), least: min(known), most: max(known) }
}
