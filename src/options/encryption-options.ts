import {
  type CompressionOptions,
  DEFAULT_THRESHOLD_BYTES,
  type EncryptionOptions,
  KEY_BYTES,
  MIN_PASSPHRASE_CHARACTERS,
  normalizedPassphrase,
} from '../encryption/encryption-options.ts'
import { isUint8Array } from '../internal/core-objects.ts'
import { numberFromText } from '../internal/process-environment.ts'
import {
  integerOption,
  objectOption,
  type OptionRow,
  type OptionRows,
  wordOption,
} from '../internal/option.ts'

/** An item cannot be larger, so that a higher threshold would never be reached. */
const MAX_THRESHOLD_BYTES = 400 * 1024

const encryptionRows: OptionRows<EncryptionOptions, 'unencrypted'> = {
  keys: {
    takes: 'keys, none twice',
    isRequired: true,
    accepts: value =>
      Array.isArray(value) &&
      value.length > 0 &&
      Array.from<unknown>(value).every(isKey) &&
      new Set(value.map(identityOf)).size === value.length,
  },
  unencrypted: { ...wordOption(['write', 'read', 'refuse']), default: 'read' },
}

const compressionRows: OptionRows<CompressionOptions, 'thresholdBytes'> = {
  thresholdBytes: { ...integerOption('bytes', 0, MAX_THRESHOLD_BYTES), default: DEFAULT_THRESHOLD_BYTES },
}

/**
 * The row of the option `encryption`. Its variable has passphrases separated by blanks, the current one first.
 *
 * @internal
 */
export const encryptionRow: OptionRow<EncryptionOptions> = {
  ...objectOption<EncryptionOptions>(
    'an object { keys: [current, ...older], unencrypted? }, each key 32 bytes or a passphrase of at least 16 ' +
      "characters, none twice, unencrypted one of 'write', 'read', 'refuse'",
    encryptionRows,
  ),
  takesAsText:
    'passphrases of at least 16 characters, separated by blanks, the current one first and none twice',
  fromText: text => ({ keys: text.split(/\s+/).filter(passphrase => passphrase !== '') }),
  layouts: ['native'],
}

/**
 * The row of the option `compression`. Its variable has the threshold in bytes, or `false`.
 *
 * @internal
 */
export const compressionRow: OptionRow<CompressionOptions | false> = {
  ...objectOption<CompressionOptions | false>(
    'false, or an object { thresholdBytes? } with a whole number from 0 to 409600',
    compressionRows,
    { takes: 'false', accepts: value => value === false },
  ),
  takesAsText: 'false, or a threshold: a whole number of bytes from 0 to 409600, such as 1024',
  fromText: text => (text === 'false' ? false : { thresholdBytes: numberFromText(text) }),
  layouts: ['native'],
}

function isKey(value: unknown): value is Uint8Array | string {
  if (typeof value === 'string') {
    // A lone surrogate has no UTF-8 form: all of them would become the same character.
    return (
      Array.from(normalizedPassphrase(value)).length >= MIN_PASSPHRASE_CHARACTERS && !/\p{Cs}/u.test(value)
    )
  }
  return isUint8Array(value) && value.length === KEY_BYTES
}

function identityOf(key: Uint8Array | string): string {
  return typeof key === 'string'
    ? `passphrase ${normalizedPassphrase(key)}`
    : `bytes ${Buffer.from(key).toString('hex')}`
}
