import { type OptionRows, wordOption } from '../internal/option.ts'

/** Settings of `dynamodb-sessions/register`; they come from the environment alone. */
export interface PreloadOptions {
  /**
   * `1` or `true`: when a setting is wrong, warn once and leave the application its store in memory. Otherwise a wrong
   * setting stops the start with a message that names the variable and what it takes.
   *
   * @default false
   */
  readonly optional?: string | undefined

  /**
   * `connect-dynamodb`: what requires that package, a framework for example, gets `dynamodb-sessions/connect-dynamodb`: see
   * docs/migrating/connect-dynamodb.md. connect-dynamodb must be installed, but its code never runs.
   *
   * @default none
   */
  readonly replace?: string | undefined
}

/**
 * The rows of {@link PreloadOptions}.
 *
 * @internal
 */
export const preloadRows: OptionRows<PreloadOptions> = {
  optional: wordOption(['1', 'true', '0', 'false']),
  replace: wordOption(['connect-dynamodb']),
}
