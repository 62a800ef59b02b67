import { awsRegionOption, regionOption } from './region-option.ts'
import type { FailoverTerms } from '../aws/dynamodb/regions.ts'
import { isEndpointUrl } from '../aws/http/endpoint.ts'
import {
  booleanOption,
  integerOption,
  numberOption,
  objectOption,
  type OptionRow,
  type OptionRows,
  textOption,
} from '../internal/option.ts'
import { problemInList } from '../internal/option-mistakes.ts'
import type { HedgingTerms } from '../aws/dynamodb/hedged-reads.ts'

/** A Region with a replica of the table. */
export interface FailoverRegion {
  /** Name of the Region, for example `us-west-2`. */
  readonly region: string

  /**
   * URL to send requests to instead of the Region's own. Needed where the option `endpoint` is given.
   *
   * @default the Region's own
   */
  readonly endpoint?: string | undefined
}

/** How calls go on in other Regions. */
export interface FailoverOptions {
  /** The other Regions with a replica of the table, the preferred ones first: names, or objects `{ region, endpoint }`. */
  readonly regions: readonly (string | FailoverRegion)[]

  /**
   * Longest time for an attempt while another Region is well, in which the call then goes on. At most an even share of what
   * is left of `deadlineMs`. Milliseconds.
   *
   * @default 750
   */
  readonly attemptTimeoutMs?: number | undefined

  /**
   * How long a Region that has failed is left alone at least, and up to twice as long; then five requests in a row must
   * succeed before calls return to it. Seconds, 1 to 86,400.
   *
   * @default 60
   */
  readonly returnAfterSeconds?: number | undefined
}

/**
 * The rows of {@link FailoverOptions}.
 *
 * @internal
 */
export const failoverRows: OptionRows<FailoverOptions, 'attemptTimeoutMs' | 'returnAfterSeconds'> = {
  regions: {
    takes: 'an array of at least one AWS region, by its name or as { region, endpoint }',
    isRequired: true,
    accepts: value =>
      Array.isArray(value) && value.length > 0 && value.every(region => regionRow.accepts(region)),
    problem: value => problemInList(value, 'region', regionRow),
  },
  attemptTimeoutMs: { ...integerOption('milliseconds', 1, 600_000), default: 750 },
  returnAfterSeconds: { ...numberOption('seconds', 1, 86_400), default: 60 },
}

/**
 * The row of the option `failover`. Its variable has the Regions.
 *
 * @internal
 */
export const failoverRow: OptionRow<FailoverOptions> = {
  ...objectOption<FailoverOptions>(
    "an object { regions: ['us-west-2', ...] } with at least one AWS region, by its name or as { region, endpoint }, and " +
      'attemptTimeoutMs (1 to 600000) and returnAfterSeconds (1 to 86400) beside it where needed',
    failoverRows,
  ),
  takesAsText:
    'AWS regions with commas between them, such as us-west-2,eu-central-1 (with an endpoint: us-west-2=https://...)',
  fromText: text => ({ regions: text.split(',').map(regionFromText) }),
  conflict: (failover, { name, options, nameOf }) => {
    const problem = regionListProblem(failover.regions, options)
    return problem && `${nameOf(name)} ${problem}`
  },
}

/** How calls go on in other Regions, with everything decided. */
export function failoverTerms(failover: FailoverOptions | undefined): FailoverTerms | undefined {
  if (failover === undefined) return undefined
  const { attemptTimeoutMs, returnAfterSeconds } = failover
  return {
    attemptTimeoutMs: attemptTimeoutMs ?? failoverRows.attemptTimeoutMs.default,
    returnAfterMs: (returnAfterSeconds ?? failoverRows.returnAfterSeconds.default) * 1000,
  }
}

/** The other Regions, as objects. */
export function failoverRegions(failover: FailoverOptions | undefined): readonly FailoverRegion[] {
  return failover?.regions.map(toRegion) ?? []
}

/**
 * The rows of {@link FailoverRegion}.
 *
 * @internal
 */
export const failoverRegionRows: OptionRows<FailoverRegion> = {
  region: { ...regionOption('the name of an AWS region'), isRequired: true },
  endpoint: textOption('a URL', isEndpointUrl),
}

const regionRow = objectOption<string | FailoverRegion>(
  'the name of an AWS region, or { region, endpoint }',
  failoverRegionRows,
  // Servers that are not those of AWS have the regions that they like; they need an endpoint.
  awsRegionOption('the name of an AWS region'),
)

function toRegion(region: string | FailoverRegion): FailoverRegion {
  return typeof region === 'string' ? { region } : region
}

function regionFromText(text: string): string | FailoverRegion {
  const [region = '', ...endpoint] = text.trim().split('=')
  return endpoint.length === 0 ? region : { region, endpoint: endpoint.join('=') }
}

/**
 * What is wrong with a list of other Regions.
 *
 * @param options those that it was given with.
 */
export function regionListProblem(
  regions: FailoverOptions['regions'],
  { region: own, endpoint, table }: Readonly<Record<string, unknown>>,
): string | undefined {
  const all = failoverRegions({ regions })
  const names = all.map(({ region }) => region)
  const twice = names.find((region, index) => names.indexOf(region) !== index)
  if (twice !== undefined) return `names "${twice}" twice`
  if (names.some(region => region === own)) {
    return `names "${String(own)}", which is the Region of the store; leave it out`
  }
  if (typeof table === 'string' && table.startsWith('arn:')) {
    return 'does not go with the ARN of a table, which names one Region; give the name of the table'
  }
  const without = all.find(other => other.endpoint === undefined)
  if (endpoint === undefined || without === undefined) return undefined
  return (
    `has no endpoint for "${without.region}", and the option "endpoint" is for one Region alone; give each its own: ` +
    '{ region, endpoint }'
  )
}

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
