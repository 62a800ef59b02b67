import { DeadlineExceededError } from '../../errors.ts'
import { isObject } from '../../internal/core-objects.ts'
import { inBackground, LONGEST_TIMER_MS } from '../../internal/timers.ts'

/** What is left for a failure to be reported: at most this, and half of the time where that is less. */
const MOST_RESERVED_MS = 250

/**
 * Gives a part of an invocation up ahead of the function's timeout, at which Lambda ends the process and nothing tells why.
 *
 * @param context that of the invocation; where it does not tell how much time is left, as in tests, there is no limit.
 */
export async function inTimeLeft<Value>(
  context: unknown,
  part: (options: { readonly signal?: AbortSignal }) => Promise<Value>,
): Promise<Value> {
  const leftMs = timeLeftMs(context)
  if (!(leftMs > 0)) return part({})
  const limitMs = Math.min(leftMs - Math.min(MOST_RESERVED_MS, leftMs / 2), LONGEST_TIMER_MS)
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(
      new DeadlineExceededError(
        `the call was given up after ${Math.round(limitMs)} ms, ahead of the timeout of the Lambda function; with a shorter ` +
          '"deadlineMs" the error says what it was waiting for',
      ),
    )
  }, limitMs)
  inBackground(timer)
  try {
    return await part({ signal: controller.signal })
  } finally {
    clearTimeout(timer)
  }
}

/** NaN where nothing tells. */
function timeLeftMs(context: unknown): number {
  const method = isObject(context) ? (Reflect.get(context, 'getRemainingTimeInMillis') as unknown) : undefined
  return typeof method === 'function' ? Number(Reflect.apply(method, context, [])) : Number.NaN
}
