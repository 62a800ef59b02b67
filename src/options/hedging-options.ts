import type { HedgingTerms } from '../aws/dynamodb/hedged-reads.ts'
import {
  booleanOption,
  integerOption,
  numberOption,
  objectOption,
  type OptionRow,
  type OptionRows,
} from '../internal/option.ts'

/** When a read is sent a second time. */
export interface HedgedReadsOptions {
  /**
   * How many reads may be sent a second time, in percent of all. Below 5 %, only reads above a later percentile than the 95th
   * are: the 98th with 2 %. Percent, 0.1 to 100.
   *
   * @default 2
   */
  readonly budgetPercent?: number | undefined

  /**
   * How long a read takes at least before it is sent again, however fast the others are. Milliseconds.
   *
   * @default 10, or `maxDelayMs` when that is less
   */
  readonly minDelayMs?: number | undefined

  /**
   * After how long a read is slow, however slow the others are; and before there have been a hundred. Milliseconds.
   *
   * @default 200, or `minDelayMs` when that is more
   */
  readonly maxDelayMs?: number | undefined
}

/**
 * The rows of {@link HedgedReadsOptions}.
 *
 * @internal
 */
export const hedgedReadsRows: OptionRows<HedgedReadsOptions, keyof HedgedReadsOptions> = {
  budgetPercent: { ...numberOption('percent', 0.1, 100), default: 2 },
  minDelayMs: { ...integerOption('milliseconds', 1, 60_000), default: 10 },
  maxDelayMs: { ...integerOption('milliseconds', 1, 60_000), default: 200 },
}

/**
 * The row of the option `hedgedReads`.
 *
 * @internal
 */
export const hedgedReadsRow: OptionRow<boolean | HedgedReadsOptions> = {
  ...objectOption<boolean | HedgedReadsOptions>(
    'true, false or an object of budgetPercent (0.1 to 100), minDelayMs (1 to 60000), maxDelayMs (1 to 60000)',
    hedgedReadsRows,
    booleanOption(),
  ),
  conflict: (hedgedReads, { name, nameOf }) => {
    const { minDelayMs = 0, maxDelayMs = Infinity } = typeof hedgedReads === 'object' ? hedgedReads : {}
    return minDelayMs > maxDelayMs
      ? `${nameOf(name)} has a "minDelayMs" (${minDelayMs}) above "maxDelayMs" (${maxDelayMs}): no read could be in between`
      : undefined
  },
}

/** When a read is sent a second time, with everything decided; `undefined` where none is. */
export function hedgingTerms(
  hedgedReads: boolean | HedgedReadsOptions | undefined = false,
): HedgingTerms | undefined {
  if (hedgedReads === false) return undefined
  const given = hedgedReads === true ? {} : hedgedReads
  const { budgetPercent = hedgedReadsRows.budgetPercent.default } = given
  const { minDelayMs = Math.min(hedgedReadsRows.minDelayMs.default, given.maxDelayMs ?? Infinity) } = given
  const { maxDelayMs = Math.max(hedgedReadsRows.maxDelayMs.default, minDelayMs) } = given
  return { budget: budgetPercent / 100, minDelayMs, maxDelayMs }
}
