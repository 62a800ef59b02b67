import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import { DeadlineExceededError } from '../errors.ts'
import { inBackground, offAbort, onAbort } from '../internal/timers.ts'
import type { BulkOptions } from '../options/call-options.ts'

/**
 * Makes a call that takes many requests, with one signal for all of them: it is aborted when that of the caller is, and when
 * the time of the call is over.
 *
 * @throws {DeadlineExceededError} when the time is over.
 */
export async function inBulk<Result>(
  options: BulkOptions,
  act: (send: SendOptions) => Promise<Result>,
): Promise<Result> {
  const { send, end } = beginBulkCall(options)
  try {
    return await act(send)
  } finally {
    end()
  }
}

/** The same as {@link inBulk}, for a listing. */
export async function* listInBulk<Entry>(
  options: BulkOptions,
  list: (send: SendOptions) => AsyncIterable<Entry>,
): AsyncGenerator<Entry, void, undefined> {
  const { send, end } = beginBulkCall(options)
  try {
    yield* list(send)
  } finally {
    end()
  }
}

function beginBulkCall({ signal, deadlineMs }: BulkOptions): {
  readonly send: SendOptions
  readonly end: () => void
} {
  if (deadlineMs === undefined) return { send: { signal }, end: () => undefined }
  signal?.throwIfAborted()
  const controller = new AbortController()
  const abort = (): void => {
    controller.abort(signal?.reason)
  }
  if (signal !== undefined) onAbort(signal, abort)
  const timer = inBackground(
    setTimeout(() => {
      controller.abort(
        new DeadlineExceededError(
          `the call did not end within ${deadlineMs} ms; what has been done stays done`,
        ),
      )
    }, deadlineMs),
  )
  return {
    send: { signal: controller.signal },
    end: () => {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, abort)
    },
  }
}
