import { invalidArgument } from '../errors.ts'
import { didYouMean, nearest } from '../internal/closest-match.ts'

/**
 * The error for what a caller passed as the options of a call and is none. It names an unknown option and the one that was
 * probably meant, whatever the case of its letters.
 *
 * @param options what is refused.
 * @param known the names of the options that the call takes.
 */
export function refusedOptions(options: unknown, known: readonly string[]): TypeError {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return invalidArgument('INVALID_OPTION', 'the options of a call have to be an object, or left out')
  }
  let unknown = ''
  for (const name in options) if (!known.includes(name) && !(name in Object.prototype)) unknown ||= name
  const lowered = known.map(each => each.toLowerCase())
  const meant = known[lowered.indexOf(nearest(unknown, lowered) ?? '')]
  return invalidArgument(
    'INVALID_OPTION',
    `this call has no option "${unknown}"${didYouMean(meant && `"${meant}"`)} (its options are: ${known.join(', ')})`,
  )
}
