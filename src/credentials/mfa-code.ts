import { CredentialsError } from '../errors.ts'
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
