import { type OptionRows, textOption, wordOption } from '../internal/option.ts'

/** The packages that `DYNAMODB_SESSIONS_REPLACE` may name. */
const REPLACEABLE = [
  'connect-dynamodb',
  'koa-session',
  'hono-sessions',
  'express-session',
  '@fastify/session',
  'koa-generic-session',
  'connect',
] as const

/** One of them. */
export type ReplaceablePackage = (typeof REPLACEABLE)[number]

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
   * Packages whose sessions are moved although the application has chosen where it keeps them, separated by commas.
   * `connect-dynamodb`: code that loads that package, a framework for example, gets `dynamodb-sessions/connect-dynamodb`: see
   * docs/migrating/connect-dynamodb.md. `koa-session`: sessions without a store go to the table instead of into the cookie.
   * `hono-sessions`, `express-session`, `@fastify/session`, `koa-generic-session`, `connect`: `new MemoryStore()` in the
   * application is replaced, too.
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
  replace: textOption(
    `a list, separated by commas, of ${REPLACEABLE.map(name => `'${name}'`).join(', ')}`,
    text => splitNames(text).every(name => REPLACEABLE.some(known => known === name)),
  ),
}

/**
 * The names in a list that is separated by commas.
 *
 * @internal
 */
export function splitNames(text: string): string[] {
  return text.split(',').map(name => name.trim())
}
