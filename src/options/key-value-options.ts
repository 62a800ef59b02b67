import type { CompressionOptions, EncryptionOptions } from '../encryption/encryption-options.ts'
import { type ConnectionOptions, connectionRows } from './connection-options.ts'
import { entryRows } from './entry-options.ts'
import type { OptionRows } from '../internal/option.ts'
import { storeRows } from './store-options.ts'

/**
 * Options of key-value storage in a table. Any that can be written as a string can also be set by an environment variable,
 * `DYNAMODB_SESSIONS_<NAME>`. What is passed here takes precedence.
 */
export interface KeyValuesOptions extends ConnectionOptions {
  /**
   * Name or ARN of the table: one as `createTable` makes it.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * Name of the table's partition key, an attribute of type S.
   *
   * @default 'id'
   */
  readonly partitionKey?: string | undefined

  /**
   * Text that every partition key starts with, before the name of the adapter: it separates the namespaces of one table.
   * Prefixes must not be the beginning of one another.
   *
   * @default ''
   */
  readonly prefix?: string | undefined

  /**
   * Whether values are stored under the SHA-256 of their key, so that whoever can read the table learns no key. Keys that
   * are hashed cannot be listed.
   *
   * @default what the adapter says
   */
  readonly hashKeys?: boolean | undefined

  /**
   * Whether a read sees every write that finished before it. `false` halves the price of reads; a value that such a read
   * does not find is then looked for with one consistent read, but the one found may be a moment old.
   *
   * @default true
   */
  readonly consistentRead?: boolean | undefined

  /**
   * Encrypts values with AES-256-GCM. The first key writes, all of them read, so that keys can be rotated: see
   * docs/encryption.md. Keys under which values are stored, and counters, are not encrypted.
   *
   * @default none: stored as text
   */
  readonly encryption?: EncryptionOptions | undefined

  /**
   * Compresses values of at least `thresholdBytes` bytes, where that makes them smaller; `false` stores text that others can read.
   *
   * @default `{ thresholdBytes: 1024 }`; with `encryption` none
   */
  readonly compression?: CompressionOptions | false | undefined
}

const { table, partitionKey, prefix, consistentRead, encryption, compression } = storeRows

/**
 * The rows of {@link KeyValuesOptions}.
 *
 * @internal
 */
export const keyValuesRows: OptionRows<KeyValuesOptions> = {
  ...connectionRows,
  table,
  partitionKey,
  prefix,
  hashKeys: entryRows.hashKeys,
  consistentRead,
  encryption,
  compression,
}
