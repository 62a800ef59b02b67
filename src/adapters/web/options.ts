import { invalidArgument } from '../../errors.ts'
import { booleanOption, type OptionSpecs, readOptions } from '../../options/option.ts'
import { SessionStore } from '../../store/session-store.ts'
import { type SessionStoreOptions, storeOptionSpecs } from '../../options/store-options.ts'
import type { SessionCookieOptions } from './cookie.ts'
import { processEnvironment } from '../../internal/process-environment.ts'

/** The options of web sessions that are not about the table. */
export interface WebSessionSettings {
  /**
   * Signs the session IDs in cookies: one secret, or several for rotation. The first signs, all of them verify, and a
   * cookie that another has signed is signed anew at the next occasion. Each at least 16 characters; make one with
   * `openssl rand -base64 32`. The same on every server.
   *
   * In the environment, as `DYNAMODB_SESSIONS_SECRETS`, they are separated by blanks.
   */
  readonly secrets?: string | readonly string[] | undefined

  /**
   * How the cookie is set.
   *
   * @default `__Host-session`, Secure, HttpOnly, SameSite=Lax, Path=/, for as long as the session lives
   */
  readonly cookie?: SessionCookieOptions | undefined

  /**
   * Whether every request that comes with a session extends it (the store's `touchAfterSeconds` keeps most of them from
   * writing). `false`: only a request that changes it does.
   *
   * @default true
   */
  readonly rolling?: boolean | undefined
}

/**
 * Options of `webSessions`: those of {@link WebSessionSettings}, and either the options of a `SessionStore` or, as
 * `store`, a `SessionStore` to use.
 */
export type WebSessionsOptions<Data extends object> = WebSessionSettings &
  (
    | (SessionStoreOptions<Data> & { readonly store?: undefined })
    | {
        /** Keeps the sessions. It stays open when the web sessions are closed. */
        readonly store: SessionStore<Data>
      }
  )

/** {@link WebSessionsOptions}, checked. */
export interface CheckedOptions<Data extends object> {
  readonly store: SessionStore<Data>
  readonly ownsStore: boolean
  readonly secrets: readonly string[]
  readonly cookie: SessionCookieOptions
  readonly isRolling: boolean
  readonly now: () => number
}

type Settings<Data extends object> = WebSessionSettings & { readonly store?: SessionStore<Data> | undefined }

const LEAST_SECRET_CHARACTERS = 16

/**
 * Checks the options of `webSessions` and completes them from the environment.
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values and missing secrets.
 */
export function checkOptions<Data extends object>(options: WebSessionsOptions<Data>): CheckedOptions<Data> {
  const given = options.store
  const specs = settingSpecs<Data>()
  const { secrets, cookie, rolling } =
    given === undefined
      ? readOptions<Settings<Data> & SessionStoreOptions<Data>>(
          options,
          { ...storeOptionSpecs<Data>(), ...specs },
          processEnvironment(),
        )
      : readOptions<Settings<Data>>(options, specs, processEnvironment())
  if (secrets === undefined && cookie?.signed !== false) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the option "secrets" is missing (or the environment variable DYNAMODB_SESSIONS_SECRETS): session cookies are ' +
        'signed with it; make one with: openssl rand -base64 32',
    )
  }
  if (options.secrets !== undefined && cookie?.signed === false) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the option "secrets" has no effect with the cookie option "signed" set to false: nothing is signed; leave one of them out',
    )
  }
  const clock = given === undefined && 'clock' in options ? options.clock : undefined
  return {
    store: given ?? new SessionStore<Data>(storeOptionsOf(options)),
    ownsStore: given === undefined,
    secrets: typeof secrets === 'string' ? [secrets] : [...(secrets ?? [])],
    cookie: cookie ?? {},
    isRolling: rolling ?? true,
    now: () => clock?.now() ?? Date.now(),
  }
}

function storeOptionsOf<Data extends object>(options: WebSessionsOptions<Data>): SessionStoreOptions<Data> {
  const { secrets: _secrets, cookie: _cookie, rolling: _rolling, store: _store, ...others } = options
  return others
}

function settingSpecs<Data extends object>(): OptionSpecs<Settings<Data>> {
  return {
    store: {
      takes: 'a SessionStore',
      accepts: (value): value is SessionStore<Data> => value instanceof SessionStore,
    },
    secrets: {
      takes: `a text of at least ${LEAST_SECRET_CHARACTERS} characters, or an array of such with the one to sign with first`,
      accepts: isSecrets,
      fromText: text => text.split(/\s+/).filter(secret => secret !== ''),
    },
    cookie: {
      takes: 'an object of cookie options',
      accepts: (value): value is SessionCookieOptions =>
        typeof value === 'object' && value !== null && !Array.isArray(value),
    },
    rolling: booleanOption(),
  }
}

function isSecrets(value: unknown): value is string | readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(value) ? value : [value]
  return (
    secrets.length > 0 &&
    secrets.every(secret => typeof secret === 'string' && secret.length >= LEAST_SECRET_CHARACTERS)
  )
}
