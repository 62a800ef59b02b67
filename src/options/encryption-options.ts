import {
  type CompressionOptions,
  DEFAULT_THRESHOLD_BYTES,
  type EncryptionOptions,
  keyMaterial,
  keyProblem,
} from '../encryption/encryption-options.ts'
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
    accepts: value => keysProblem(value) === undefined,
    problem: keysProblem,
  },
  unencrypted: { ...wordOption(['write', 'read', 'refuse']), default: 'read' },
}

const compressionRows: OptionRows<CompressionOptions, 'thresholdBytes'> = {
  thresholdBytes: { ...integerOption('bytes', 0, MAX_THRESHOLD_BYTES), default: DEFAULT_THRESHOLD_BYTES },
}

/**
 * The row of the option `encryption`. Its variable has keys separated by blanks, the current one first.
 *
 * @internal
 */
export const encryptionRow: OptionRow<EncryptionOptions> = {
  ...objectOption<EncryptionOptions>(
    "an object { keys: [current, ...older], unencrypted? }, each key 32 bytes, 'base64:...', 'hex:...' or a passphrase of at " +
      "least 16 characters, none twice, unencrypted one of 'write', 'read', 'refuse'",
    encryptionRows,
  ),
  takesAsText:
    'keys (base64:... or hex:... of 32 bytes, or passphrases of at least 16 characters), separated by blanks, the current one ' +
    'first and none twice',
  fromText: text => ({ keys: text.split(/\s+/).filter(key => key !== '') }),
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

function keysProblem(keys: unknown): string | undefined {
  if (!Array.isArray(keys)) return 'keys must be an array'
  if (keys.length === 0) return 'keys is empty'
  const all = Array.from<unknown>(keys)
  for (const [index, key] of all.entries()) {
    const problem = keyProblem(key)
    if (problem !== undefined) return `keys[${index}] ${problem}`
  }
  const identities = (all as (Uint8Array | string)[]).map(identityOf)
  const twice = identities.findIndex((identity, index) => identities.indexOf(identity) < index)
  return twice === -1
    ? undefined
    : `keys[${twice}] is the same as keys[${identities.indexOf(identities[twice] ?? '')}]`
}

function identityOf(key: Uint8Array | string): string {
  const material = keyMaterial(key)
  return typeof material === 'string'
    ? `passphrase ${material}`
    : `bytes ${Buffer.from(material).toString('hex')}`
}
