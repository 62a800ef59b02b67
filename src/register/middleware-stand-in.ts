import { isObject } from '../internal/core-objects.ts'
import { createDefaultStore } from './default-store.ts'
import type { Copy, Framework } from './frameworks.ts'

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
