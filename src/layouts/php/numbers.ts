const SMALLEST = -(2n ** 63n)
const LARGEST = 2n ** 63n - 1n
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d{0,18})$/

/**
 * A PHP integer as JavaScript holds it: a number where that is exact, a BigInt beyond.
 *
 * @internal
 */
export function fromInt64(value: bigint): number | bigint {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : value
}

/**
 * Whether PHP's integers, which have 64 bits, can hold the value.
 *
 * @internal
 */
export function isInt64(value: bigint): boolean {
  return value >= SMALLEST && value <= LARGEST
}

/**
 * The integer that PHP makes of a text used as an array key; `undefined` for keys that stay text.
 *
 * @internal
 */
export function integerKey(text: string): number | bigint | undefined {
  // Nearly all keys are words, which the first character tells.
  const first = text.charCodeAt(0)
  if (!(first <= 0x39 && (first >= 0x30 || first === 0x2d)) || !CANONICAL_INTEGER.test(text)) return undefined
  const short = Number(text)
  if (Number.isSafeInteger(short)) return short
  const long = BigInt(text)
  return isInt64(long) ? fromInt64(long) : undefined
}

/**
 * A float as PHP 7.1 and later write it with `serialize_precision` -1: the shortest digits that read back as the same
 * float, in scientific notation below 1.0E-4 and from 1.0E+17.
 *
 * @internal
 */
export function formatPhpFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (Number.isNaN(value)) return 'NAN'
  const magnitude = Math.abs(value)
  if (magnitude === Infinity) return value > 0 ? 'INF' : '-INF'
  if (magnitude >= 1e-4 && magnitude < 1e17) return String(value)
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent}`
}
