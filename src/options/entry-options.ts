import { booleanOption, integerOption, type OptionRows, secondsOption } from '../internal/option.ts'

/** Options of single entries that can come from the environment, by their names. Their TSDoc is with those entries. */
interface EntryOptions {
  /** Of key-value storage. */
  readonly hashKeys?: boolean
  /** Of the driver for unstorage. */
  readonly defaultTtlSeconds?: number
  /** Of web sessions. In the environment they are separated by blanks. */
  readonly secrets?: string | readonly string[]
  /** Of web sessions. */
  readonly rolling?: boolean
  /** Of the store for hono-sessions. */
  readonly storeEmptySessions?: boolean
  /** Of `./table`. */
  readonly userIndex?: boolean
  /** Of `createTable`. */
  readonly waitTimeoutMs?: number
}

const LEAST_SECRET_CHARACTERS = 16

/**
 * The rows of {@link EntryOptions}. They are not with their entries, because the list of known variables is made of all rows,
 * and must not load those.
 *
 * @internal
 */
export const entryRows: OptionRows<EntryOptions> = {
  hashKeys: booleanOption(),
  defaultTtlSeconds: secondsOption(),
  secrets: {
    takes: `a string of at least ${LEAST_SECRET_CHARACTERS} characters, or an array of such with the one to sign with first`,
    accepts: value => secretsProblem(value) === undefined,
    problem: value => ([value].flat().includes(undefined) ? undefined : secretsProblem(value)),
    fromText: text => text.split(/\s+/).filter(secret => secret !== ''),
  },
  rolling: booleanOption(),
  storeEmptySessions: booleanOption(),
  userIndex: { ...booleanOption(), layouts: ['native'], elsewhere: false },
  waitTimeoutMs: integerOption('milliseconds', 1, 3_600_000),
}

function secretsProblem(value: unknown): string | undefined {
  const secrets: unknown[] = [value].flat()
  if (secrets.length === 0) return 'it is empty'
  for (const [index, secret] of secrets.entries()) {
    const name = Array.isArray(value) ? `secrets[${index}]` : 'it'
    if (typeof secret !== 'string') return `${name} is not a string`
    if (secret.length < LEAST_SECRET_CHARACTERS) return `${name} has ${secret.length} characters`
  }
  return undefined
}
