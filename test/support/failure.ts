/** How the apps of the tests answer a request that has failed: the code of the error, where it has one. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}

/** A class of errors, whatever its constructor takes. */
export type ErrorClass<Failure extends Error> = abstract new (...values: never[]) => Failure

/** What an action throws; one that throws nothing, or something of another class, fails the test. */
export function thrownBy<Failure extends Error>(action: () => unknown, type: ErrorClass<Failure>): Failure
export function thrownBy(action: () => unknown): unknown
export function thrownBy(action: () => unknown, type?: ErrorClass<Error>): unknown {
  let value: unknown
  try {
    value = action()
  } catch (error) {
    return ofType(error, type)
  }
  throw new Error(`this was expected to throw, and returned ${JSON.stringify(value)}`)
}

/**
 * What a promise is rejected with, marked as handled from now on; one that is fulfilled, or rejected with something of
 * another class, fails the test.
 */
export async function rejectionOf<Failure extends Error>(
  promise: unknown,
  type: ErrorClass<Failure>,
): Promise<Failure>
export async function rejectionOf(promise: unknown): Promise<unknown>
export async function rejectionOf(promise: unknown, type?: ErrorClass<Error>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return ofType(error, type)
  }
  throw new Error(`this was expected to be rejected, and resolved with ${JSON.stringify(value)}`)
}

function ofType(error: unknown, type: ErrorClass<Error> | undefined): unknown {
  if (type === undefined || error instanceof type) return error
  throw error
}
