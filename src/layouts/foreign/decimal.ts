import { invalidArgument } from '../../errors.ts'

const LARGEST_MAGNITUDE = 9.99e125
const SMALLEST_MAGNITUDE = 1e-130

/**
 * A number as DynamoDB returns it: decimal digits without an exponent, so that what was written and what is read are
 * the same text.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for numbers outside DynamoDB's range.
 */
export function decimalText(number: number): string {
  const magnitude = Math.abs(number)
  if (magnitude === 0) return '0'
  if (magnitude > LARGEST_MAGNITUDE || magnitude < SMALLEST_MAGNITUDE) {
    throw invalidArgument(
      'INVALID_SESSION_DATA',
      'the session data have a number that is too large or too close to zero for DynamoDB',
    )
  }
  const [mantissa = '', exponent] = String(magnitude).split('e')
  const sign = number < 0 ? '-' : ''
  if (exponent === undefined) return sign + mantissa
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  const pointAt = whole.length + Number(exponent)
  if (pointAt <= 0) return `${sign}0.${'0'.repeat(-pointAt)}${digits}`
  // An exponent is written from 1e21 on, which is more digits than a number has.
  return sign + digits.padEnd(pointAt, '0')
}
