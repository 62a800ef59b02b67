const BACKSLASH = 0x5c

/**
 * The bytes of a string of the format `S`, in which `\41` stands for the byte 0x41; `undefined` when it is malformed.
 *
 * @param length how many bytes it has when it is unescaped.
 * @internal
 */
export function unescapeString(
  source: Uint8Array,
  start: number,
  length: number,
): { readonly bytes: Uint8Array; readonly end: number } | undefined {
  if (length > source.length - start) return undefined
  const bytes = new Uint8Array(length)
  let end = start
  for (let index = 0; index < length; index += 1) {
    let byte = source[end]
    if (byte === undefined) return undefined
    if (byte === BACKSLASH) {
      const high = hexDigit(source[end + 1])
      const low = hexDigit(source[end + 2])
      if (high === undefined || low === undefined) return undefined
      byte = high * 16 + low
      end += 2
    }
    bytes[index] = byte
    end += 1
  }
  return { bytes, end }
}

function hexDigit(byte: number | undefined): number | undefined {
  const text = String.fromCharCode(byte ?? 0)
  return /^[\da-f]$/i.test(text) ? Number.parseInt(text, 16) : undefined
}
