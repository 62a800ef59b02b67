import { deferred } from '../../src/internal/timers.ts'

/** A place where requests meet: each waits until all of them have come. */
export class Meeting {
  readonly #allThere = deferred<void>()
  #missing: number

  constructor(requests: number) {
    this.#missing = requests
  }

  /** Waits for the others. */
  async attend(): Promise<void> {
    this.#missing--
    if (this.#missing <= 0) this.#allThere.resolve()
    await this.#allThere.promise
  }
}
