import { AsyncLocalStorage } from 'node:async_hooks'

import type { StoredValue } from '../../key-values/key-value-store.ts'

/** A read of a key, and what came of it. */
export interface RecentRead {
  readonly key: string
  /** What was read, or written since; absent when there was nothing. */
  value: StoredValue | undefined
  /** What the running code has seen of it: what it read or wrote itself, without what a merge brought in. */
  seen: string | undefined
  /** Whether {@link value} says something: not before the read has succeeded, nor after the key was deleted. */
  isKnown: boolean
}

const MOST_READS = 16

/**
 * What the code that is running has read last, so that a write can tell what it was made from. It follows the course of
 * asynchronous calls: code that reads a key, waits, and then writes it finds its own read, and not that of another request.
 */
export class RecentReads {
  readonly #reads = new AsyncLocalStorage<readonly RecentRead[]>()

  /**
   * Notes that a key is about to be read. It has to be called before anything is awaited: what is entered then is seen by the
   * code that waits for the read.
   */
  begin(key: string): RecentRead {
    const read: RecentRead = { key, value: undefined, seen: undefined, isKnown: false }
    const others = (this.#reads.getStore() ?? []).filter(other => other.key !== key)
    try {
      this.#reads.enterWith([read, ...others].slice(0, MOST_READS))
    } catch {
      // Not every runtime can do this. Without it, writes do not look at what is stored.
    }
    return read
  }

  /** The last read of a key by the code that is running; `undefined` when it has not read it. */
  last(key: string): RecentRead | undefined {
    const read = this.#reads.getStore()?.find(other => other.key === key)
    return read?.isKnown === true ? read : undefined
  }
}
