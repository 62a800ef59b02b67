import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createDefaultStore } from './default-store.ts'
import type { Copy, Framework, StoreConstructor } from './frameworks.ts'
import { isObject } from '../internal/core-objects.ts'

type PrepareStackTrace = typeof Error.prepareStackTrace

/**
 * Makes what stands in for the constructor of a framework's store in memory.
 *
 * It is that constructor for a class that extends it, for `instanceof`, and for `new MemoryStore()` in the application, which
 * is its choice unless the operator overrules it. When the framework calls it, for want of a store from the application, it
 * returns a store in DynamoDB, which is no instance of it, so that nothing warns of a store in memory.
 *
 * @param copy the copy of the framework that has it.
 */
export function storeStandIn(
  memoryStore: StoreConstructor,
  framework: Framework,
  { folder, version }: Copy,
): StoreConstructor {
  const standIn: StoreConstructor = new Proxy(memoryStore, {
    construct: function construct(target, parameters: never[], newTarget): object {
      const isPlainCall = newTarget === standIn
      if (isPlainCall && parameters.length === 0) {
        const isDefault = isIn(folder, callerFile(construct))
        const store = createDefaultStore(framework, { isDefault, memoryStore, version })
        if (store !== undefined) return store
      }
      return Reflect.construct(target, parameters, isPlainCall ? target : newTarget) as object
    },
  })
  return standIn
}

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

/** Whether a file belongs to the package in a folder, and not to one that is nested there. */
function isIn(folder: string, file: string | undefined): boolean {
  if (file === undefined) return false
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  return path.startsWith(folder + sep) && !path.startsWith(folder + sep + 'node_modules' + sep)
}

/** A function that makes the middleware of an application, from options and the application, in either order. */
export type MiddlewareFunction = (...parameters: unknown[]) => unknown

/**
 * Makes what stands in for the function with which a framework makes its session middleware: it adds a store to options that
 * have none, where the operator wants that.
 */
export function middlewareStandIn(
  createMiddleware: MiddlewareFunction,
  framework: Framework,
  { version }: Copy,
): MiddlewareFunction {
  return new Proxy(createMiddleware, {
    apply(target, receiver, parameters: unknown[]): unknown {
      const [first, second] = parameters
      const isReversed = isApplication(first)
      const options = (isReversed ? second : first) ?? {}
      if (!isObject(options) || Reflect.get(options, 'store') || Reflect.get(options, 'ContextStore')) {
        return Reflect.apply(target, receiver, parameters)
      }
      const store = createDefaultStore(framework, { isDefault: false, version })
      // Set in the object of the application, as the framework sets its own defaults: a store that is put there later counts.
      if (store !== undefined) Reflect.set(options, 'store', store)
      return Reflect.apply(target, receiver, isReversed ? [first, options] : [options, second])
    },
  })
}

function isApplication(value: unknown): boolean {
  return isObject(value) && typeof Reflect.get(value, 'use') === 'function'
}
