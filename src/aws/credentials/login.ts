import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { variable } from '../config/environment.ts'
import { homeDirectory } from '../config/file-locations.ts'
import { callUrl } from '../config/service-endpoint.ts'
import { selectedProfile, type SharedConfig } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import { isHostLabel } from '../config/partitions.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { type Login, type LoginToken, readLoginToken } from './login-token.ts'
import { refreshLogin } from './login-refresh.ts'
import { absentProfileMessage, profileTitle, readSharedConfig } from './profile-config.ts'
import { contextOf, type ProviderContext, type ProviderOptions } from './provider-context.ts'
import { aText, checkedOptions, holdsNothingBut, type OptionKinds } from './provider-options.ts'
import { sharedFlight } from './shared-flight.ts'

/** Settings of the client that calls the sign-in service. */
export interface LoginClientConfig {
  /**
   * Region to sign in to, whatever region is configured elsewhere.
   *
   * @default that of the log-in, else that of the profile, else the option `region`
   */
  readonly region?: string | undefined
}

/** Options of {@link fromLoginCredentials}. */
export interface FromLoginCredentialsOptions extends ProviderOptions {
  /**
   * Profile with the `login_session`.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /** Settings of the client that calls the sign-in service. */
  readonly clientConfig?: LoginClientConfig | undefined
  /**
   * Region to sign in to where neither the log-in nor the profile names one.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`
   */
  readonly region?: string | undefined
}

const optionKinds: OptionKinds<FromLoginCredentialsOptions> = {
  profile: aText,
  clientConfig: {
    takes: 'an object with the text region, and nothing else',
    accepts: value => holdsNothingBut(value, { region: aText }),
  },
  region: aText,
}

const REFRESH_WINDOW_MS = 5 * 60_000

/** One entry at most for each log-in that is in use. */
const flights = new Map<string, Promise<Credentials>>()

/**
 * Credentials of the log-in that `aws login` made for a profile.
 *
 * They are refreshed in their last five minutes, and written back to their cache file; callers in this process share
 * one refresh. Credentials that could not be refreshed are used for as long as they are valid, except where AWS says
 * that the log-in is over. The configuration files and the cache file are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when the profile has no `login_session`,
 *   and stops at every other failure. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromLoginCredentials(options: FromLoginCredentialsOptions = {}): CredentialProvider {
  const context = contextOf(checkedOptions('fromLoginCredentials', options, optionKinds))
  return () => credentialsOfLogin(options, context)
}

async function credentialsOfLogin(
  options: FromLoginCredentialsOptions,
  context: ProviderContext,
): Promise<Credentials> {
  const { environment } = context
  const { name: profile } = selectedProfile(environment, options.profile)
  const config = await readSharedConfig(context)
  const section = config.profiles.get(profile)
  const session = section?.get('login_session')
  if (session === undefined || session === '') {
    throw new CredentialsError(
      section === undefined
        ? absentProfileMessage(profile, context, config)
        : `${profileTitle(profile)} has no login_session`,
      { tryNextProvider: true },
    )
  }
  const login: Login = {
    profile,
    path: cacheFilePath(session, context),
    described: `the log-in of ${profileTitle(profile)}`,
    remedy: `run "aws login --profile ${profile}"`,
  }
  const endpointFor = (token: LoginToken): string => {
    const region = signInRegion(token, options, profile, config, context)
    // The region becomes a part of the host that tokens are sent to.
    if (region !== undefined && isHostLabel(region)) {
      return callUrl('signin', region, environment, config, profile)
    }
    const trouble = region === undefined ? 'is none' : 'is not the name of a region such as eu-west-1'
    throw new CredentialsError(
      `the region to sign in to ${trouble}; check AWS_REGION and the region of ${profileTitle(profile)}`,
    )
  }
  // The file is read within the flight: a caller that had read it before would refresh what is refreshed already.
  return sharedFlight(flights, login.path, () => freshCredentials(login, endpointFor, context))
}

function cacheFilePath(session: string, { environment }: ProviderContext): string {
  const directory =
    variable(environment, 'AWS_LOGIN_CACHE_DIRECTORY') ??
    join(homeDirectory(environment), '.aws', 'login', 'cache')
  return join(directory, `${createHash('sha256').update(session).digest('hex')}.json`)
}

function signInRegion(
  token: LoginToken,
  { clientConfig, region }: FromLoginCredentialsOptions,
  profile: string,
  config: SharedConfig,
  { environment }: ProviderContext,
): string | undefined {
  const candidates = [
    clientConfig?.region,
    token.signInRegion,
    config.profiles.get(profile)?.get('region'),
    region,
    variable(environment, 'AWS_REGION'),
    variable(environment, 'AWS_DEFAULT_REGION'),
  ]
  return candidates.find(candidate => candidate !== undefined && candidate !== '')
}

async function freshCredentials(
  login: Login,
  endpointFor: (token: LoginToken) => string,
  context: ProviderContext,
): Promise<Credentials> {
  const token = await readLoginToken(login)
  const expiresAtMs = token.credentials.expiration.getTime()
  if (expiresAtMs - context.clock.now() > REFRESH_WINDOW_MS) return token.credentials
  const outcome = await refreshLogin(token, login, () => endpointFor(token), context)
  if ('credentials' in outcome) return outcome.credentials

  // A refresh token works once: another process may have been the one to use it.
  const latest = await readLoginToken(login).catch(() => token)
  const isReplaced = latest.file.text !== token.file.text
  const isValid = latest.credentials.expiration.getTime() > context.clock.now()
  if (isValid && (isReplaced || !outcome.isOver)) return latest.credentials
  throw outcome.error
}
