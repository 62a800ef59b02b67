import { variable } from '../config/environment.ts'
import { CredentialsError, type SkippedProvider } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { nameProvider } from './cached-provider.ts'
import { fromEnv } from './env.ts'
import { contextOf, rows, type ProviderRows, type ProviderContext, type ProviderOptions } from './provider.ts'
import type { MfaCodeProvider } from './sts.ts'

/** Options of `defaultProvider`. */
export interface DefaultProviderOptions extends ProviderOptions {
  /**
   * Profile of the shared configuration files. With it, the environment's keys are not looked at.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined

  /**
   * Region of the AWS Security Token Service where the profile that assumes a role has none.
   *
   * @default `AWS_REGION`, else the profile's, else `us-east-1`
   */
  readonly region?: string | undefined

  /**
   * Asks for the code of a multi-factor authentication device, for profiles with `mfa_serial`.
   *
   * @default none: such a profile is an error
   */
  readonly mfaCodeProvider?: MfaCodeProvider | undefined
}

/** One place to look at. Its code is loaded when the chain gets there. */
interface ChainLink {
  readonly name: string
  /** Why the place is not looked at, if it is not. */
  readonly passedOver?: string | undefined
  readonly load: () => Promise<CredentialProvider>
}

const optionRows: ProviderRows<DefaultProviderOptions> = {
  profile: rows.text,
  region: rows.text,
  mfaCodeProvider: rows.callback,
}

const RELATIVE_URI = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
const FULL_URI = 'AWS_CONTAINER_CREDENTIALS_FULL_URI'

/**
 * Looks for credentials where the AWS SDK for JavaScript does, in the same order: environment variables (unless a
 * profile is named), the profile with every form it can have, web identity, and at last the container or, where there
 * is none, the EC2 instance.
 *
 * A place that is not configured is passed over. One that is configured and broken ends the search: a profile that is
 * named and does not exist, for example, does not silently give way to the role of the instance.
 *
 * @returns a provider that throws `CredentialsError` with every place that was looked at, in order, and why
 *   there was nothing to be had. It does not cache: a `SessionStore` does.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function defaultProvider(options: DefaultProviderOptions = {}): CredentialProvider {
  const context = contextOf('defaultProvider', options, optionRows)
  // Kept from call to call: the provider of the instance remembers what it handed out.
  const loaded = new Map<string, Promise<CredentialProvider>>()
  return () => {
    return firstOf(chainLinks(options, context), link => {
      const provider = loaded.get(link.name) ?? link.load()
      loaded.set(link.name, provider)
      return context.pending.step(`the provider "${link.name}"`, async () => (await provider)())
    })
  }
}

/** The places of the default chain, in its order, as the environment has them at the moment. */
function chainLinks(
  { profile, region, mfaCodeProvider }: DefaultProviderOptions,
  context: ProviderContext,
): readonly ChainLink[] {
  const { environment } = context
  const named = profile !== undefined || variable(environment, 'AWS_PROFILE') !== undefined
  const inContainer =
    variable(environment, RELATIVE_URI) !== undefined || variable(environment, FULL_URI) !== undefined
  return [
    {
      name: 'environment variables',
      passedOver: named ? 'a profile is named, which takes precedence' : undefined,
      load: async () => fromEnv({ context }),
    },
    {
      name: 'profile',
      load: async () => (await import('./ini.ts')).fromIni({ profile, mfaCodeProvider, region, context }),
    },
    {
      name: 'web identity',
      load: async () => (await import('./sts.ts')).fromTokenFile({ clientConfig: { region }, context }),
    },
    {
      name: 'container',
      passedOver: inContainer ? undefined : `neither ${RELATIVE_URI} nor ${FULL_URI} is set`,
      load: async () => (await import('./container.ts')).fromContainerMetadata({ context }),
    },
    {
      name: 'instance metadata',
      passedOver: inContainer ? 'this is a container' : undefined,
      load: async () => (await import('./instance-metadata.ts')).fromInstanceMetadata({ profile, context }),
    },
  ]
}

async function firstOf(
  links: readonly ChainLink[],
  ask: (link: ChainLink) => Promise<Credentials>,
): Promise<Credentials> {
  const skipped: SkippedProvider[] = []
  for (const link of links) {
    if (link.passedOver !== undefined) {
      skipped.push({ provider: link.name, reason: link.passedOver })
      continue
    }
    try {
      return nameProvider(await ask(link), link.name)
    } catch (error) {
      if (!(error instanceof CredentialsError && error.tryNextProvider)) throw error
      skipped.push({ provider: link.name, reason: error.message })
    }
  }
  const reasons = skipped.map(({ provider, reason }) => `${provider} (${reason})`).join('; ')
  throw new CredentialsError(
    `no AWS credentials; looked at: ${reasons}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or ` +
      'pass the option "credentials"',
    { skipped },
  )
}
