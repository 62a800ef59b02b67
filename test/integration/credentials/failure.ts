import { inspect } from 'node:util'

import { CredentialsError } from '../../../src/errors.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import { rejectionOf } from '../../support/failure.ts'

/** What a credential provider fails with; one that succeeds, or fails with another kind of error, fails the test. */
export async function failureOf(provider: CredentialProvider): Promise<CredentialsError> {
  return rejectionOf(Promise.resolve().then(provider), CredentialsError)
}

/** All that an error could show to somebody: message, causes, stack and properties. */
export function everythingIn(error: unknown): string {
  return inspect(error, { depth: 20, showHidden: true })
}
