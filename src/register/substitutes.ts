import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { isObject } from '../internal/core-objects.ts'
import { processEnvironment } from '../internal/process-environment.ts'
import { type Copy, type Framework, frameworks, type StoreConstructor } from './frameworks.ts'
import { type MiddlewareFunction, middlewareStandIn, storeStandIn } from './stand-ins.ts'
import { isReplaced, stopOrWarn } from './default-store.ts'

/** What decides on the exports of watched files. */
export interface Substitutes {
  readonly replacementOf: typeof replacementOf
  readonly substituteFor: typeof substituteFor
  readonly substituteSource: typeof substituteSource
}

/** A module as a hook of the loader of ES modules hands it on. */
export interface ModuleSource {
  readonly format?: string | null | undefined
  readonly source?: string | Uint8Array<ArrayBuffer> | ArrayBuffer | null | undefined
  readonly shortCircuit?: boolean | undefined
}

/** A file that defines what is exchanged. */
interface FrameworkFile extends Copy {
  readonly framework: Framework
  /** Names of its exports. */
  readonly names: readonly string[]
}

const require = createRequire(import.meta.url)

/** Tells the module that is exchanged from the one that is loaded in its place. */
const ORIGINAL = '?dynamodb-sessions'

const standIns = new WeakSet<object>()

/**
 * What is exported in place of a file that is not even evaluated: of the main file of `connect-dynamodb`, when
 * `DYNAMODB_SESSIONS_REPLACE` names that.
 *
 * @throws {TypeError} `INVALID_OPTION` when it is named but cannot be replaced.
 */
export function replacementOf(filename: string): { readonly exports: unknown } | undefined {
  const folder = /^.*[\\/]connect-dynamodb(?=[\\/])/.exec(filename)?.[0]
  if (folder === undefined || manifestOf(folder)['name'] !== 'connect-dynamodb') return undefined
  try {
    if (!isReplaced('connect-dynamodb', processEnvironment()) || require.resolve(folder) !== filename)
      return undefined
    return { exports: require('../adapters/connect-dynamodb.cjs') }
  } catch (error) {
    stopOrWarn('replace connect-dynamodb', error)
    return undefined
  }
}

/**
 * What is to be exported in place of `exported`: for a file that defines the store in memory or the middleware of a
 * framework, what puts a store in DynamoDB there when one is to be used; else `exported` itself.
 */
export function substituteFor(exported: unknown, filename: string): unknown {
  const file = frameworkFile(filename)
  if (file === undefined) return exported
  const { names } = file
  if (typeof exported === 'function') return standInFor(exported, file)
  if (!isObject(exported) || !names.some(name => isNew(Reflect.get(exported, name)))) return exported
  const descriptors = Object.getOwnPropertyDescriptors(exported as Record<string, unknown>)
  for (const name of names) {
    const value: unknown = Reflect.get(exported, name)
    if (isNew(value)) {
      descriptors[name] = {
        value: standInFor(value, file),
        enumerable: true,
        configurable: true,
        writable: true,
      }
    }
  }
  return Object.create(Object.prototype, descriptors)
}

/**
 * What is loaded in place of a module, for loaders that hand out sources: of an ES module, another one that exports the
 * substitutes and, under another URL, loads the original; of a CommonJS module, itself and what exchanges its exports.
 */
export function substituteSource<Loaded extends ModuleSource>(
  loaded: Loaded,
  url: string,
): Loaded | ModuleSource {
  const filename = fileURLToPath(url)
  const { format, source } = loaded
  const ours = `createRequire(${JSON.stringify(import.meta.url)})('./substitutes.js')`
  const file = frameworkFile(filename)
  if (format === 'module' && file !== undefined) {
    const original = JSON.stringify(url + ORIGINAL)
    const locals = file.names.map((name, index) => [name, `substitute${index}`] as const)
    return {
      format,
      shortCircuit: true,
      source: `
import { createRequire } from 'node:module'
import * as original from ${original}
export * from ${original}
const { ${locals.map(([name, local]) => `${name}: ${local}`).join(', ')} } =
  ${ours}.substituteFor(original, ${JSON.stringify(filename)})
export { ${locals.map(([name, local]) => `${local} as ${name}`).join(', ')} }
`,
    }
  }
  // Without a source it is about to be loaded by the CommonJS loader.
  if (format !== 'commonjs' || source === null || source === undefined) return loaded
  const own = `process.getBuiltinModule('node:module').${ours}`
  const path = JSON.stringify(filename)
  if (replacementOf(filename) !== undefined) {
    return { ...loaded, source: `module.exports = ${own}.replacementOf(${path}).exports` }
  }
  if (file === undefined) return loaded
  return {
    ...loaded,
    source: `${textOf(source)}\n;module.exports = ${own}.substituteFor(module.exports, ${path})`,
  }
}

function frameworkFile(filename: string): FrameworkFile | undefined {
  const path = filename.replaceAll(sep, '/')
  for (const framework of frameworks) {
    for (const [file, names] of Object.entries(framework.files)) {
      if (!path.endsWith(`/${file}`)) continue
      const folder = filename.slice(0, -file.length - 1)
      const { name, version } = manifestOf(folder)
      if (name === framework.name) return { framework, folder, version: String(version), names }
    }
  }
  return undefined
}

function standInFor(exported: object, { framework, ...copy }: FrameworkFile): unknown {
  if (!isNew(exported)) return exported
  const standIn =
    framework.exports === 'store'
      ? storeStandIn(exported as StoreConstructor, framework, copy)
      : middlewareStandIn(exported as MiddlewareFunction, framework, copy)
  standIns.add(standIn)
  return standIn
}

/** Whether a value may be exchanged, and is not what another one was exchanged for. */
function isNew(value: unknown): value is object {
  return typeof value === 'function' && !standIns.has(value)
}

function textOf(source: NonNullable<ModuleSource['source']>): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}

function manifestOf(folder: string): Readonly<Record<string, unknown>> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return isObject(manifest) ? (manifest as Record<string, unknown>) : {}
  } catch {
    // A folder without a readable package.json is no package.
    return {}
  }
}
