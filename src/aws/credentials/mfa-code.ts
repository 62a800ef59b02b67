import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import type { ProviderContext } from './provider-context.ts'

/**
 * Asks somebody for the code that a multi-factor authentication device shows now.
 *
 * @param serialNumber serial number or ARN of the device.
 */
export type MfaCodeProvider = (serialNumber: string) => Promise<string> | string

/**
 * The code that a device shows now.
 *
 * @throws {CredentialsError} when the callback fails or returns no text.
 */
export async function mfaCode(
  provider: MfaCodeProvider,
  serialNumber: string,
  { pending }: Pick<ProviderContext, 'pending'>,
): Promise<string> {
  let code: unknown
  try {
    code = await pending.step(`the code of the MFA device ${serialNumber}`, () => provider(serialNumber))
  } catch (cause) {
    throw new CredentialsError(`the MFA code callback failed for the device ${serialNumber}`, { cause })
  }
  if (typeof code === 'string' && code !== '') return code
  throw new CredentialsError(`the MFA code callback returned no code for the device ${serialNumber}`)
}

/** A person who has not entered a code by then will not enter it any more. */
const LONGEST_WAIT_MS = 120_000

/**
 * A provider that may ask a person for a code: whoever needs credentials meanwhile waits for the same code, instead of
 * having the person asked again.
 *
 * @param mfaCodeProvider the provider is returned as it is where there is none.
 */
export function askedOnce(
  mfaCodeProvider: MfaCodeProvider | undefined,
  provider: CredentialProvider,
): CredentialProvider {
  if (mfaCodeProvider === undefined) return provider
  let underWay: { readonly credentials: Promise<Credentials>; readonly sinceMs: number } | undefined
  return () => {
    if (underWay !== undefined && performance.now() - underWay.sinceMs < LONGEST_WAIT_MS) {
      return underWay.credentials
    }
    const flight = {
      credentials: Promise.resolve(provider()).finally(() => {
        if (underWay === flight) underWay = undefined
      }),
      sinceMs: performance.now(),
    }
    underWay = flight
    return flight.credentials
  }
}
