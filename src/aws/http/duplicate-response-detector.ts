/** How many answers a connection remembers: whatever repeats one does so soon. */
const REMEMBERED_IDS = 16

/** The IDs of the latest answers on one connection. */
export class RecentIds {
  readonly #ids: string[] = []
  #oldest = 0

  /** Whether one of the latest answers had this ID. */
  has(id: string): boolean {
    return this.#ids.includes(id)
  }

  /** Remembers the ID of an answer instead of the oldest one. */
  add(id: string): void {
    this.#ids[this.#oldest] = id
    this.#oldest = (this.#oldest + 1) % REMEMBERED_IDS
  }
}

/**
 * Recognises an answer that comes a second time (G8): something in between has sent it twice, and the copy would be
 * taken for the answer to a later request on the connection.
 *
 * AWS gives every answer an ID of its own (`x-amzn-requestid`), so that two with one ID on a connection are one and its
 * copy. Stand-ins for AWS may give all answers the same ID, or a few in turns: that shows when an ID that was taken for
 * a copy's comes on a connection that had not had it, and from then on IDs mean nothing. One instance watches all
 * connections to an endpoint.
 */
export class DuplicateResponseDetector {
  #suspect: string | undefined
  #idsMeanNothing = false
  #givesIds = false

  /**
   * Whether an answer is the copy of an earlier one; if it is not, its ID is remembered.
   *
   * @param id the ID of the answer.
   * @param recent the IDs of the answers before it on the same connection.
   */
  isDuplicate(id: string | undefined, recent: RecentIds): boolean {
    if (id === undefined) return false
    this.#givesIds = true
    if (this.#idsMeanNothing) return false
    if (recent.has(id)) {
      this.#suspect = id
      return true
    }
    if (id === this.#suspect) this.#idsMeanNothing = true
    recent.add(id)
    return false
  }

  /** Whether an answer has no ID although the endpoint gives its answers one: something in between may have made it. */
  isUnmarked(id: string | undefined): boolean {
    return id === undefined && this.#givesIds
  }
}
