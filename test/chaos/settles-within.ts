/**
 * Whether a promise settles in time, measured so that a process that is busy or was suspended does not count against
 * it: what was due earlier has had its turn before this gives up.
 */
export async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const untilMs = performance.now() + timeoutMs
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<boolean>(resolve => {
    const look = (): void => {
      // Timers are measured from the start of a turn of the event loop, and so can be early.
      const leftMs = untilMs - performance.now()
      if (leftMs > 0) timer = setTimeout(look, leftMs)
      else resolve(false)
    }
    look()
  })
  const settled = promise.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, overdue])
  } finally {
    clearTimeout(timer)
  }
}
