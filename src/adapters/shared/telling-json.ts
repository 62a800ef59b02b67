/**
 * JSON in which values differ that JSON writes alike, or not at all, although PHP tells them apart: `NaN`, infinities,
 * `-0`, BigInts and `PhpFloat`. It is for comparing and for showing, not for storing.
 *
 * @returns `undefined` for what has no such text, a value that contains itself for example.
 */
export function tellingJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, tell)
  } catch {
    return undefined
  }
}

/**
 * Lets `JSON.stringify` make {@link tellingJson} of an object: frameworks compare the JSON of a session to see whether it has
 * changed, and JSON refuses a BigInt.
 *
 * @param without a key to leave out.
 */
export function defineTellingJson(object: object, without?: string): void {
  // Data that have a key of that name keep it.
  if (Object.prototype.propertyIsEnumerable.call(object, 'toJSON')) return
  Object.defineProperty(object, 'toJSON', {
    configurable: true,
    value: () => {
      const data = Object.fromEntries(Object.entries(object).filter(([key]) => key !== without))
      const text = tellingJson(data)
      return text === undefined ? data : (JSON.parse(text) as object)
    },
  })
}

const LIKE_BIGINT = /^-?\d+n$/

/** A replacer of `JSON.stringify`, which calls it with the object that has the key. */
function tell(this: unknown, key: string, written: unknown): unknown {
  if (typeof written === 'bigint') return `${written}n`
  // No data are mistaken for these objects: a copy of one of PHP's values cannot be stored.
  if (typeof written === 'string')
    return LIKE_BIGINT.test(written) ? { '@php': 'text', digits: written.slice(0, -1) } : written
  if (typeof written !== 'number') return written
  if (Object.is(written, -0)) return { '@php': 'float', value: '-0' }
  if (!Number.isFinite(written)) return { '@php': 'float', value: String(written) }
  // A PhpFloat has turned itself into its number by now.
  const original: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : undefined
  const isFloat =
    typeof original === 'object' && original !== null && Reflect.get(original, '@php') === 'float'
  return isFloat ? { '@php': 'float', value: written } : written
}
