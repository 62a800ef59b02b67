import { CredentialsError } from '../../errors.ts'
import { isJsonObject, type JsonObject } from '../../internal/core-objects.ts'
import type { Credentials } from '../../types.ts'
import { isCredentials } from '../sigv4/sign.ts'
import { requiredInstant } from './provider.ts'

/** A property that is a text and not empty. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A property that is an object; one without properties where it is not. */
export function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  return isJsonObject(value) ? value : {}
}

/** The instant that lies so many seconds ahead; `undefined` unless that is a positive number and a date. */
export function instantAfter(nowMs: number, seconds: unknown): Date | undefined {
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  const instant = new Date(nowMs + seconds * 1000)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

/** Credentials with everything that temporary ones have. */
export type TemporaryCredentials = Credentials & { readonly expiration: Date }

/** Temporary credentials, if they have all their parts and each can be used. */
export function temporaryCredentials(
  parts: Readonly<Record<keyof Credentials, unknown>>,
): TemporaryCredentials | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } = parts
  const keys: unknown = { accessKeyId, secretAccessKey, sessionToken, expiration }
  if (!isCredentials(keys) || keys.sessionToken === undefined || keys.expiration === undefined)
    return undefined
  return {
    ...keys,
    expiration: keys.expiration,
    ...(typeof accountId === 'string' && accountId !== '' && { accountId }),
  }
}

/** How a kind of JSON document spells credentials. */
export interface CredentialsDocumentFormat {
  /** Property that holds the session token. */
  readonly sessionToken: 'Token' | 'SessionToken'
  /** Whether session token and expiration have to be there, as with everything that is temporary. */
  readonly temporary: boolean
}

/**
 * Reads the text of a JSON object, in which a metadata service or a credential process hands out credentials.
 *
 * @param source what the text came from, to start an error message with.
 * @throws {CredentialsError} when the text is no JSON object. Nothing of the text appears in the error.
 */
export function parseJsonObject(text: string, source: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of a SyntaxError quotes the text, which may be a secret, so it must not become the cause.
    throw new CredentialsError(`${source} is not JSON, or has been cut short`)
  }
  if (isJsonObject(value)) return value
  throw new CredentialsError(`${source} is not a JSON object`)
}

/**
 * Takes credentials out of a document: `AccessKeyId`, `SecretAccessKey`, `Token` or `SessionToken`, `Expiration` and,
 * where it is there, `AccountId`.
 *
 * @throws {CredentialsError} when a property is missing or unusable; the message names it and does not repeat it.
 */
export function credentialsOfDocument(
  document: JsonObject,
  source: string,
  { sessionToken: tokenName, temporary }: CredentialsDocumentFormat,
): Credentials {
  const text = (name: string): string => {
    const value = document[name]
    if (typeof value === 'string' && value !== '') return value
    throw new CredentialsError(`${source} has no text ${name}`)
  }
  const isThere = (name: string): boolean => {
    const value = document[name]
    return value !== undefined && value !== null && value !== ''
  }
  const credentials: Credentials = {
    accessKeyId: text('AccessKeyId'),
    secretAccessKey: text('SecretAccessKey'),
    ...((temporary || isThere(tokenName)) && { sessionToken: text(tokenName) }),
    ...((temporary || isThere('Expiration')) && {
      expiration: requiredInstant(text('Expiration'), `${source} has an Expiration that`),
    }),
    ...(isThere('AccountId') && { accountId: text('AccountId') }),
  }
  if (isCredentials(credentials)) return credentials
  throw new CredentialsError(
    `${source} has an AccessKeyId, SecretAccessKey or ${tokenName} with blanks, line breaks or the like in it`,
  )
}
