import { corrupt } from '../errors.ts'

/** What the first two bytes of a blob say about the rest. */
interface BlobHead {
  readonly compressed: boolean
  readonly encrypted: boolean
}

/** Length of the head: format version and flags. */
export const HEAD_BYTES = 2

const FORMAT_VERSION = 1
const COMPRESSED = 1
const ENCRYPTED = 2

/** The head of a blob. */
export function writeHead({ compressed, encrypted }: BlobHead): Buffer {
  return Buffer.of(FORMAT_VERSION, (compressed ? COMPRESSED : 0) | (encrypted ? ENCRYPTED : 0))
}

/**
 * Reads the head of a blob.
 *
 * @throws {SessionCorruptError} for a version and for flags that {@link writeHead} does not write.
 */
export function readHead(blob: Buffer): BlobHead {
  const [version, flags] = blob
  if (version === undefined || flags === undefined) {
    throw corrupt('the stored data is too short for its head')
  }
  if (version !== FORMAT_VERSION) {
    throw corrupt(
      `the stored data has format version ${version}, and this version of the package reads ${FORMAT_VERSION}`,
    )
  }
  // Data that is neither compressed nor encrypted is stored as text.
  if (flags === 0 || (flags & ~(COMPRESSED | ENCRYPTED)) !== 0) {
    throw corrupt(`the stored data has the flags ${flags}, which this version of the package does not know`)
  }
  return { compressed: (flags & COMPRESSED) !== 0, encrypted: (flags & ENCRYPTED) !== 0 }
}

/**
 * The blob of an attribute value of type B.
 *
 * @throws {SessionCorruptError} for what is not base64 as DynamoDB writes it.
 */
export function blobFromBase64(base64: string): Buffer {
  const blob = Buffer.from(base64, 'base64')
  // `Buffer.from` passes over what is not base64.
  if (blob.toString('base64') !== base64) {
    throw corrupt('the stored data is not valid base64')
  }
  return blob
}
