/** The reason to put behind a message: the code of a system error, or its text. */
export function because(cause: Error | undefined): string {
  if (cause === undefined) return ''
  return ` (${errorCode(cause) ?? cause.message})`
}

/** Code of a system error; where both address families were tried, the code of the first failure. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return error instanceof AggregateError ? errorCode(error.errors[0]) : undefined
}
