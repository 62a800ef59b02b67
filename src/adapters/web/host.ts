/** What sessions have to know of the framework that they are for. */
export interface Host {
  /** Keeps what is shared in a process apart from that of other frameworks. */
  readonly name: string
  /** Says that it does not tell when a request ends, if it does not: `locking` is then refused. */
  readonly withoutLocking?: string
  /** What the option `isFailure` is by default. */
  readonly isFailure?: (response: Response) => boolean
}
