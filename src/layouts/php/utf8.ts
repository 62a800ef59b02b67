const BYTE_ORDER_MARKS_ARE_DATA = { fatal: true, ignoreBOM: true } as const

let decoder: InstanceType<typeof TextDecoder> | undefined
let encoder: InstanceType<typeof TextEncoder> | undefined

/**
 * The text of UTF-8; `undefined` when the bytes are not valid UTF-8.
 *
 * @internal
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= 24) {
    const short = decodeShortAscii(bytes, start, end)
    if (short !== undefined) return short
  }
  decoder ??= new TextDecoder('utf-8', BYTE_ORDER_MARKS_ARE_DATA)
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

/**
 * Text as UTF-8. Halves of surrogate pairs become U+FFFD.
 *
 * @internal
 */
export function encodeUtf8(text: string): Uint8Array {
  encoder ??= new TextEncoder()
  return encoder.encode(text)
}

/**
 * Whether a text has no halves of surrogate pairs, so that UTF-8 can hold it.
 *
 * @internal
 */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** Names are short and ASCII: a call of the decoder takes longer than reading them. */
function decodeShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0
    if (byte > 0x7f) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
