/** Bytes of a text that has one character for each. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0))
}

/** The reverse of {@link bytesOf}. */
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
