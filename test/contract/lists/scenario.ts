/**
 * One thing that every driver of a kind must do. It needs no test runner: `run` rejects with an `AssertionError` when
 * the driver does not do it.
 */
export interface Scenario<Driver> {
  readonly name: string
  /** @param open opens another driver on the same storage, as another process would; the caller closes it. */
  readonly run: (open: () => Promise<Driver>) => Promise<void>
}
