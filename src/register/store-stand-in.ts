import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { callerFile } from './caller-file.ts'
import { createDefaultStore } from './default-store.ts'
import type { Framework, StoreConstructor } from './frameworks.ts'

const standIns = new WeakSet<object>()

/** Whether something was made by {@link storeStandIn}. */
export function isStandIn(value: object): boolean {
  return standIns.has(value)
}

/**
 * Makes what stands in for the constructor of a framework's store in memory.
 *
 * It is that constructor for everybody but the framework: to `new MemoryStore()` in the application, which is its choice,
 * to a class that extends it, to `instanceof`. When the framework calls it, for want of a store from the application, it
 * returns a store in DynamoDB, which is no instance of it, so that nothing warns of a store in memory.
 *
 * @param folder where the package of the framework is.
 */
export function storeStandIn(
  memoryStore: StoreConstructor,
  framework: Framework,
  folder: string,
): StoreConstructor {
  const standIn: StoreConstructor = new Proxy(memoryStore, {
    construct: function construct(target, parameters: never[], newTarget): object {
      const isPlainCall = newTarget === standIn
      if (isPlainCall && parameters.length === 0 && isIn(folder, callerFile(construct))) {
        const store = createDefaultStore(framework, memoryStore)
        if (store !== undefined) return store
      }
      return Reflect.construct(target, parameters, isPlainCall ? target : newTarget) as object
    },
  })
  standIns.add(standIn)
  return standIn
}

/** Whether a file belongs to the package in a folder, and not to one that is nested there. */
function isIn(folder: string, file: string | undefined): boolean {
  if (file === undefined) return false
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  return path.startsWith(folder + sep) && !path.startsWith(folder + sep + 'node_modules' + sep)
}
