type PrepareStackTrace = typeof Error.prepareStackTrace

/**
 * The file of the code that called a function which is running, as the engine names it: a path, or a URL.
 *
 * It leaves how errors are formatted as the application has it.
 *
 * @returns `undefined` when that is not code of a file, or cannot be found out.
 */
export function callerFile(callee: (...parameters: never[]) => unknown): string | undefined {
  const before = {
    prepareStackTrace: Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace'),
    stackTraceLimit: Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit'),
  }
  let file: string | undefined
  const firstFrame: PrepareStackTrace = (_error, frames) => {
    file = frames[0]?.getFileName() ?? undefined
    return ''
  }
  // Accessors are taken for what they are: an application that has frozen them keeps its store.
  const replaced =
    Reflect.defineProperty(Error, 'prepareStackTrace', {
      value: firstFrame,
      configurable: true,
      writable: true,
    }) && Reflect.defineProperty(Error, 'stackTraceLimit', { value: 1, configurable: true, writable: true })
  if (replaced) {
    const holder: { readonly stack?: string } = {}
    Error.captureStackTrace(holder, callee)
    // The engine formats a stack when it is read for the first time, if not before.
    void holder.stack
  }
  for (const [name, descriptor] of Object.entries(before)) {
    if (descriptor === undefined) Reflect.deleteProperty(Error, name)
    else Reflect.defineProperty(Error, name, descriptor)
  }
  return file
}
