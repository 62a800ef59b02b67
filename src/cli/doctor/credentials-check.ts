import { variable } from '../../aws/config/environment.ts'
import { loadSharedConfig, selectedProfile } from '../../aws/config/shared-config.ts'
import { formOfProfile } from '../../aws/credentials/ini.ts'
import { CredentialsError, DeadlineExceededError } from '../../errors.ts'
import { withTimeout } from '../../internal/timers.ts'
import { serviceTransport } from '../../store/open-client.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { duration } from '../format.ts'
import type { StoreSettings } from '../store-settings.ts'
import { type Check, check, messageOf } from './check.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The credentials, or why there are none. */
export interface FoundCredentials {
  readonly check: Check
  readonly credentials: Credentials | undefined
}

interface Place {
  readonly name: string
  /** Why the place is not looked at, if it is not. */
  readonly passedOver?: string | undefined
  readonly load: () => Promise<CredentialProvider>
  /** Where exactly the credentials are, for people. */
  readonly detail?: () => Promise<string>
}

const LONGEST_SEARCH_MS = 20_000
const EXPIRES_SOON_MS = 300_000

const FORMS: Readonly<Record<string, string>> = {
  static: 'static keys',
  role: 'a role that it assumes',
  'web-identity': 'web identity',
  process: 'credential_process',
  sso: 'SSO',
  login: 'aws login',
}

/** Looks for credentials where the default chain does, in its order, and says where they were found. */
export async function findCredentials(
  options: StoreSettings,
  environment: Environment,
  signal: AbortSignal,
): Promise<FoundCredentials> {
  const reasons: string[] = []
  try {
    for (const place of placesOf(options, environment)) {
      if (place.passedOver !== undefined) {
        reasons.push(`${place.name}: ${place.passedOver}`)
        continue
      }
      try {
        const credentials = await withTimeout(
          call(place),
          LONGEST_SEARCH_MS,
          signal,
          () => new DeadlineExceededError(`${place.name} gave no credentials within ${LONGEST_SEARCH_MS} ms`),
        )
        const detail = await place.detail?.()
        return { credentials, check: describe(credentials, detail ?? place.name) }
      } catch (error) {
        if (!(error instanceof CredentialsError && error.tryNextProvider)) throw error
        reasons.push(`${place.name}: ${error.message}`)
      }
    }
  } catch (error) {
    if (signal.aborted) throw error
    const found = messageOf(error)
    return {
      credentials: undefined,
      check: check(
        'fail',
        'credentials',
        found,
        'mend that, or remove it so that other places are looked at',
      ),
    }
  }
  const fix =
    'on AWS give the task, pod or instance a role; elsewhere set AWS_PROFILE (and run aws sso login, if it is about SSO), or ' +
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  return {
    credentials: undefined,
    check: check('fail', 'credentials', `there are none (${reasons.join('; ')})`, fix),
  }
}

async function call({ load }: Place): Promise<Credentials> {
  const provider = await load()
  return provider()
}

function describe(credentials: Credentials, source: string): Check {
  const { accessKeyId, expiration, accountId } = credentials
  const parts = [`from ${source}`, `access key ending in ${accessKeyId.slice(-4)}`]
  if (accountId !== undefined) parts.push(`account ${accountId}`)
  const remainingMs = expiration === undefined ? Infinity : expiration.getTime() - Date.now()
  if (remainingMs <= 0) {
    return check(
      'fail',
      'credentials',
      `${parts.join(', ')}; they have expired`,
      'renew them where they come from',
    )
  }
  if (remainingMs !== Infinity) parts.push(`for another ${duration(remainingMs)}`)
  if (remainingMs < EXPIRES_SOON_MS && source === 'environment variables') {
    const fix = 'nothing renews credentials in environment variables; use a profile or a role'
    return check('warn', 'credentials', parts.join(', '), fix)
  }
  return check('pass', 'credentials', parts.join(', '))
}

/** The places of the default chain, in its order. */
function placesOf(options: StoreSettings, environment: Environment): readonly Place[] {
  const { profile, region } = options
  const context = { environment, serviceTransport: serviceTransport(options, environment) }
  const isNamed = profile !== undefined || variable(environment, 'AWS_PROFILE') !== undefined
  const isContainer = ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'].some(
    name => variable(environment, name) !== undefined,
  )
  return [
    {
      name: 'environment variables',
      passedOver: isNamed ? 'a profile is named, which takes precedence' : undefined,
      load: async () => (await import('../../aws/credentials/env.ts')).fromEnv({ context }),
    },
    {
      name: 'profile',
      load: async () => (await import('../../aws/credentials/ini.ts')).fromIni({ profile, region, context }),
      detail: () => profileDetail(profile, environment),
    },
    {
      name: 'web identity',
      load: async () =>
        (await import('../../aws/credentials/web-identity.ts')).fromTokenFile({
          clientConfig: { region },
          context,
        }),
    },
    {
      name: 'container',
      passedOver: isContainer ? undefined : 'this is none that offers credentials',
      load: async () =>
        (await import('../../aws/credentials/container.ts')).fromContainerMetadata({ context }),
    },
    {
      name: 'instance metadata',
      passedOver: isContainer ? 'this is a container' : undefined,
      load: async () =>
        (await import('../../aws/credentials/instance-metadata.ts')).fromInstanceMetadata({
          profile,
          context,
        }),
    },
  ]
}

async function profileDetail(given: string | undefined, environment: Environment): Promise<string> {
  const { name } = selectedProfile(environment, given)
  const config = await loadSharedConfig(environment)
  const profile = config.profiles.get(name)
  const kind = profile === undefined ? undefined : FORMS[formOfProfile(profile, false).kind]
  return `the profile "${name}"${kind === undefined ? '' : ` (${kind})`}`
}
