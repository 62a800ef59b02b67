import { setTimeout as delay } from 'node:timers/promises'

/** Errors that nobody handled while something ran. */
export interface UnhandledErrors {
  readonly uncaughtExceptions: readonly unknown[]
  readonly unhandledRejections: readonly unknown[]
}

const SETTLING_MS = 20

/**
 * Runs something and collects what would have ended the process: the test runner, which would otherwise fail
 * the run, does not hear of it.
 */
export async function unhandledErrorsDuring(run: () => Promise<unknown>): Promise<UnhandledErrors> {
  const uncaughtExceptions: unknown[] = []
  const unhandledRejections: unknown[] = []
  const restore = [
    replaceListeners('uncaughtException', error => uncaughtExceptions.push(error)),
    replaceListeners('unhandledRejection', reason => unhandledRejections.push(reason)),
  ]
  try {
    await run()
    await delay(SETTLING_MS)
  } finally {
    for (const undo of restore) undo()
  }
  return { uncaughtExceptions, unhandledRejections }
}

/** The first warning that the process emits because of something; it is not printed. */
export async function warningDuring(run: () => void | Promise<unknown>): Promise<unknown> {
  const undo: (() => void)[] = []
  const warned = new Promise(resolve => {
    undo.push(replaceListeners('warning', resolve))
  })
  try {
    await run()
    return await warned
  } finally {
    for (const restore of undo) restore()
  }
}

function replaceListeners(
  event: 'uncaughtException' | 'unhandledRejection' | 'warning',
  listener: (reason: unknown) => void,
): () => void {
  const emitter: NodeJS.EventEmitter = process
  const before = emitter.listeners(event)
  emitter.removeAllListeners(event)
  emitter.on(event, listener)
  return () => {
    emitter.off(event, listener)
    for (const earlier of before) emitter.on(event, earlier as (...values: unknown[]) => void)
  }
}
