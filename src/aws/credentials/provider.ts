import { fileLocations } from '../config/environment.ts'
import type { ConfigSection, SharedConfig } from '../config/config-file.ts'
import {
  loadSharedConfig,
  type SelectedProfile,
  selectedProfile,
  type SettingsSource,
  withheldNote,
} from '../config/shared-config.ts'
import { ConfigurationError, CredentialsError } from '../../errors.ts'
import { BRIEFLY_KEPT, briefTransport } from '../config/route-finder.ts'
import { ServerClock } from '../http/server-clock.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Transport } from '../http/transport.ts'
import { isJsonObject } from '../../internal/core-objects.ts'
import { PendingSteps } from '../../internal/deadline.ts'
import {
  functionOption,
  integerOption,
  numberOption,
  objectOption,
  type OptionRow,
  textOption,
  validateOptionsOf,
} from '../../internal/option.ts'
import { type Environment, processEnvironment } from '../../internal/process-environment.ts'
import { LONGEST_TIMER_MS } from '../../internal/timers.ts'
import type { Clock, Random } from '../../types.ts'

const DEFAULT_DEADLINE_MS = 7000

/** A clock that may be put right by what a server says. */
type CorrectableClock = Clock & Partial<Pick<ServerClock, 'correct'>>

/**
 * What credential providers take from the world around them, so that tests can stand in for it.
 *
 * @internal
 */
export interface ProviderContext {
  readonly environment: Environment
  /** What the time is; put right once a service has refused a request for its time, where it can be. */
  readonly clock: CorrectableClock
  readonly random: Random
  /** Carries requests to this machine and its own network: containers and instance metadata. */
  readonly transport: Transport
  /** Carries requests to AWS: STS, SSO, sign-in, and container endpoints over TLS. */
  readonly serviceTransport: Transport
  /** How long the call may take that needs credentials. Milliseconds. */
  readonly deadlineMs: number
  /** Told what the provider is waiting for. */
  readonly pending: PendingSteps
  /** Regions whose STS is asked when that of the own Region does not respond. `@default` none */
  readonly failoverRegions?: readonly string[]
}

/** Options that every provider takes. */
export interface ProviderOptions {
  /**
   * What providers take from the world around them. For tests.
   *
   * @default the process's environment, the system's clock, and connections of the provider's own
   */
  readonly context?: Partial<ProviderContext> | undefined
}

/**
 * The world around a provider whose options have been checked, with everything filled in that they leave out.
 *
 * @param provider name of the function that takes the options.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. The message names the option and what it
 *   takes, and does not repeat the value, which may be secret.
 *
 * @internal
 */
export function contextOf<Options extends ProviderOptions>(
  provider: string,
  options: Options,
  optionRows: ProviderRows<Options>,
): ProviderContext {
  validateOptionsOf(provider, options, {
    ...optionRows,
    context: { takes: 'an object', accepts: isJsonObject },
  })
  const { context } = options
  const environment = context?.environment ?? processEnvironment()
  return {
    environment,
    clock: correctable(context?.clock ?? { now: () => Date.now() }),
    random: context?.random ?? Math.random,
    transport: context?.transport ?? new SocketTransport(BRIEFLY_KEPT),
    serviceTransport:
      context?.serviceTransport ?? context?.transport ?? briefTransport({ environment, hasOptions: false }),
    deadlineMs: context?.deadlineMs ?? DEFAULT_DEADLINE_MS,
    pending: context?.pending ?? new PendingSteps(),
    ...(context?.failoverRegions !== undefined && { failoverRegions: context.failoverRegions }),
  }
}

function correctable(clock: CorrectableClock): CorrectableClock {
  return clock.correct === undefined ? new ServerClock(clock) : clock
}

/**
 * Reads the shared configuration files.
 *
 * @throws {CredentialsError} when one is there and cannot be read: what it says could be anything.
 */
export async function readSharedConfig({ environment, pending }: ProviderContext): Promise<SharedConfig> {
  try {
    return await pending.step('the AWS configuration files', () => loadSharedConfig(environment))
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause
    throw new CredentialsError(cause.message, { cause })
  }
}

/** A profile of the shared configuration files. */
export interface FoundProfile extends SettingsSource, Pick<SelectedProfile, 'explicit'> {
  /** What the files say of it; `undefined` when it does not exist. */
  readonly section: ConfigSection | undefined
}

/**
 * Reads the profile to use: the one given, else that of `AWS_PROFILE`, else `default`.
 *
 * @throws {CredentialsError} as {@link readSharedConfig} does.
 */
export async function readProfile(
  context: ProviderContext,
  given: string | undefined,
): Promise<FoundProfile> {
  const { environment } = context
  const config = await readSharedConfig(context)
  const { name: profile, explicit } = selectedProfile(environment, given)
  return { environment, config, profile, explicit, section: config.profiles.get(profile) }
}

/** Properties of a profile that are about SSO. */
export const SSO_PROPERTIES: readonly string[] = [
  'sso_session',
  'sso_start_url',
  'sso_region',
  'sso_account_id',
  'sso_role_name',
]

/** A profile as error messages name it. */
export function profileTitle(name: string): string {
  return `the profile ${JSON.stringify(name)}`
}

/** What to say of a profile that does not exist: where it was looked for, and how its section is written. */
export function absentProfileMessage({ environment, config, profile: name }: SettingsSource): string {
  const { configFile, credentialsFile } = fileLocations(environment)
  const section = name === 'default' ? 'default' : `profile ${name}`
  return (
    `${profileTitle(name)} does not exist: there is neither [${section}] in ${configFile.path} nor ` +
    `[${name}] in ${credentialsFile.path}${withheldNote(config)}`
  )
}

/**
 * A property of a profile without which a provider has nothing to stand on.
 *
 * @throws {CredentialsError} when it is missing: a chain goes on.
 */
export function propertyOf(found: FoundProfile, name: string): string {
  const value = found.section?.get(name)?.trim() ?? ''
  if (value === '') throw notInProfile(found, name)
  return value
}

/** The error of a provider for which a profile says nothing, or which does not exist: a chain goes on. */
export function notInProfile(found: FoundProfile, what: string): CredentialsError {
  return notConfigured(
    found.section === undefined
      ? absentProfileMessage(found)
      : `${profileTitle(found.profile)} has no ${what}`,
  )
}

/** The error of a provider that is simply not configured, after which a chain goes on. */
export function notConfigured(message: string): CredentialsError {
  return new CredentialsError(message, { tryNextProvider: true })
}

const ISO_INSTANT =
  /^(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*(z|utc|gmt|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/]+\])?$/i

/**
 * Reads an instant as tools for AWS write it: `2026-01-31T12:00:00Z`, also with `UTC` or `GMT` for the `Z` (older versions
 * of the AWS CLI), with an offset, with a blank for the `T`, and in the other forms that `Date` reads. An instant without a
 * time zone is in UTC, wherever this machine is.
 *
 * @returns `undefined` for anything else.
 */
export function instantOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const [, day, time, fraction = '0', zone = 'Z'] = ISO_INSTANT.exec(text.trim()) ?? []
  const isOffset = /^[+-]/.test(zone)
  const offset = isOffset ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z'
  const date = new Date(day === undefined ? text : `${day}T${time}.${fraction.slice(0, 3)}${offset}`)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/**
 * The instant that a text is.
 *
 * @param what the text is, as the subject of the error.
 * @throws {CredentialsError} when it is none.
 */
export function requiredInstant(text: string, what: string): Date {
  const date = instantOf(text)
  if (date !== undefined) return date
  throw new CredentialsError(`${what} is not a date such as 2026-01-31T12:00:00Z`)
}

/** The rows of the options that a provider has, besides those that all have. */
export type ProviderRows<Options extends ProviderOptions> = Readonly<
  Record<Exclude<keyof Options, keyof ProviderOptions>, OptionRow>
>

const text: OptionRow = textOption('a string', () => true)

/** What options of several providers take. */
export const rows: Readonly<
  Record<'text' | 'callback' | 'delayMs' | 'timeoutMs' | 'count' | 'stsClientConfig', OptionRow>
> = {
  text,
  callback: functionOption(),
  delayMs: numberOption('milliseconds', 0, LONGEST_TIMER_MS),
  timeoutMs: numberOption('milliseconds', 1, LONGEST_TIMER_MS),
  count: integerOption('attempts', 0, Number.MAX_SAFE_INTEGER),
  // Credentials, endpoint or proxy among these settings would not be heeded.
  stsClientConfig: objectOption(
    'an object with the strings region and profile, and nothing else (another endpoint is named by AWS_ENDPOINT_URL_STS or the ' +
      'profile)',
    { region: text, profile: text },
  ),
}
