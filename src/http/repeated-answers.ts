/**
 * Recognises an answer that comes a second time (G8): something in between has sent it twice, and the copy would be
 * taken for the answer to the request that follows on the connection.
 *
 * AWS gives every answer an ID of its own (`x-amzn-requestid`), so that two with one ID in a row are one and its copy.
 * Stand-ins for AWS may give all answers the same ID: that shows when the ID comes again on a connection that had not
 * had it, and from then on IDs mean nothing. One instance watches all connections to an endpoint.
 */
export class RepeatedAnswers {
  #suspect: string | undefined
  #idsMeanNothing = false

  /**
   * Whether an answer is the copy of the one before it.
   *
   * @param id the ID of the answer.
   * @param previousId the ID of the answer before it on the same connection.
   */
  isCopy(id: string | undefined, previousId: string | undefined): boolean {
    if (id === undefined || this.#idsMeanNothing) return false
    if (id === previousId) {
      this.#suspect = id
      return true
    }
    if (id === this.#suspect) this.#idsMeanNothing = true
    return false
  }
}
