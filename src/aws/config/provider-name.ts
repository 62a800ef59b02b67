import type { Credentials } from '../../types.ts'

const names = new WeakMap<Credentials, string>()

/** Remembers which place of a chain credentials are from, for traces; the credentials themselves do not say. */
export function nameProvider(credentials: Credentials, name: string): Credentials {
  names.set(credentials, name)
  return credentials
}

/** The place that credentials are from, where a chain has said so. */
export function providerNameOf(credentials: Credentials): string | undefined {
  return names.get(credentials)
}
