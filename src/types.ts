import type { Deadline } from './internal/deadline.ts'

/**
 * Source of the current time, so that tests and clock-skew correction can decide what "now" is.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** Source of randomness for back-off jitter: a number from 0 (included) to 1 (excluded), as `Math.random`. */
export type Random = () => number

/**
 * AWS credentials, in the field names of the AWS SDK for JavaScript, so that an identity of the SDK can be
 * passed as it is.
 */
export interface Credentials {
  /** Access key ID, for example `AKIAIOSFODNN7EXAMPLE`. */
  readonly accessKeyId: string
  /** Secret access key. It never appears in errors, logs or `util.inspect` output. */
  readonly secretAccessKey: string
  /** Session token of temporary credentials (an AWS credential; it has nothing to do with browser sessions). */
  readonly sessionToken?: string | undefined
  /** When the credentials stop working; absent for keys that do not expire. */
  readonly expiration?: Date | undefined
  /** AWS account that the credentials belong to, where it is known. */
  readonly accountId?: string | undefined
}

/**
 * Function that finds credentials, called again before they expire.
 *
 * A provider of the AWS SDK (`fromIni()`, `fromNodeProviderChain()`, ...) can be passed as it is.
 */
export type CredentialProvider = () => Promise<Credentials> | Credentials

/**
 * What a {@link CredentialProvider} has become inside the package: it caches, and can be told that AWS has stopped
 * accepting some credentials, to get others if there are any.
 *
 * @internal
 */
export type CredentialSource = (request?: {
  readonly rejected?: Credentials
  /** Of the call that needs the credentials: after that, what it has asked for is not waited for by later ones. */
  readonly deadline?: Deadline
}) => Promise<Credentials> | Credentials

/**
 * One value of a DynamoDB item as the low-level JSON protocol writes it. Numbers are strings; binary values
 * (`B`, `BS`) are base64.
 */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: boolean }
  | { readonly M: Item }
  | { readonly L: readonly AttributeValue[] }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }

/** A DynamoDB item: attribute names and their values. */
export interface Item {
  readonly [attributeName: string]: AttributeValue
}

/**
 * What a session holds when the application has not declared a type of its own: any JSON object.
 */
export type SessionData = Record<string, unknown>
