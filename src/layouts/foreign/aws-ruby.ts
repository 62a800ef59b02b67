import { SessionCorruptError } from '../../errors.ts'
import type { Item } from '../../types.ts'
import { textOf } from '../attributes.ts'
import type { Condition, Layout, SessionIdentity } from '../layout.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout, noSession } from './foreign-layout.ts'
import { sourceJsonCodec } from './source-json.ts'

const DATA = 'data'
const EXPIRES = 'expire_at'
const CREATED = 'created_at'
/** Base64 of what every value of Ruby's Marshal format 4.8 starts with. */
const MARSHAL = /^BA[gh]/

/**
 * The items of aws-sessionstore-dynamodb for Ruby: `data` is JSON text, `expire_at` seconds, `created_at` seconds as text.
 * What else is there (`updated_at`, `locked_at`) stays as it is.
 */
export function awsRubyLayout(keys: ForeignKeys): Layout {
  return foreignLayout({
    ...keys,
    name: 'aws-ruby',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES, CREATED],
    codec: sourceJsonCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 's' }]),
    dataOf: ({ text }) => ({ S: text }),
    textOf: value => {
      const text = textOf(value)
      if (text === undefined) throw noSession(DATA)
      if (MARSHAL.test(text)) {
        throw new SessionCorruptError(
          "the stored session is in Ruby's Marshal format, which nothing but Ruby can read; it was left as it is. Let the " +
            'Ruby application write JSON first: aws-sessionstore-dynamodb 3.1 or newer with serializer: :json_allow_marshal',
        )
      }
      return text
    },
    others: ({ createdMs }): Item =>
      createdMs === undefined ? {} : { [CREATED]: { S: secondsText(createdMs) } },
    optionalAttributes: [CREATED],
    createdOf,
    sameSessionAs,
  })
}

/** The milliseconds of a text of seconds, cut off there: Ruby writes up to seven digits behind the point. */
function createdOf(item: Item): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(textOf(item[CREATED]) ?? '')
  if (match === null) return undefined
  const [, seconds = '', fraction = ''] = match
  return Number(seconds + fraction.slice(0, 3).padEnd(3, '0'))
}

/** Texts of the same number of digits before the point are in the order of the numbers. */
function sameSessionAs({ createdMs }: SessionIdentity): Condition | undefined {
  if (createdMs === undefined) return undefined
  return {
    expression: '#began >= :beganFrom AND #began < :beganBefore',
    names: { '#began': CREATED },
    values: {
      ':beganFrom': { S: secondsText(createdMs).replace(/\.0$/, '') },
      ':beganBefore': { S: secondsText(createdMs + 1).replace(/\.0$/, '') },
    },
  }
}

/** Seconds as Ruby writes them: without a zero at the end, but the one behind the point. */
function secondsText(ms: number): string {
  return (ms / 1000).toFixed(3).replace(/0{1,2}$/, '')
}
