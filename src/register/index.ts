/*
 * The preload: `node --import dynamodb-sessions/register app.js` keeps the sessions of an unmodified application in
 * DynamoDB. See docs/register.md.
 *
 * Every Node process under such a NODE_OPTIONS runs this, npm among them. So it is a single file that only hooks into the
 * module loader, and loads the rest when a session framework is loaded.
 */
import { createRequire } from 'node:module'

import type { ModuleSource, Substitutes } from './substitutes.ts'

/** A module of the CommonJS loader. */
interface LoadedModule {
  exports: unknown
  readonly loaded: boolean
}

type Load = (request: string, parent: unknown, isMain: boolean) => unknown
type Compile = (module: LoadedModule, filename: string) => void

/** The parts of Node's CommonJS loader that tools have always hooked into; they have no types. */
interface CommonJSLoader {
  _load: Load
  readonly _resolveFilename: (...request: Parameters<Load>) => string
  readonly _cache: Readonly<Record<string, LoadedModule | undefined>>
  readonly _extensions: { '.js': Compile }
}

/** The synchronous hooks of the loader of ES modules, which Node has from 22.15 and 23.5 on. */
interface ModuleHooks {
  readonly registerHooks?: (hooks: { readonly load: LoadHook }) => unknown
}

type LoadHook = (
  url: string,
  context: object,
  nextLoad: (url: string, context: object) => ModuleSource,
) => ModuleSource

/** Files that may define what is exchanged of a framework, or belong to a package that may be replaced; paths or URLs. */
const WATCHED_FILE =
  /[\\/](?:session[\\/]memory|lib[\\/](?:memory_)?store|src[\\/]store[\\/]MemoryStore|koa-session[\\/](?:dist[\\/]\w+[\\/])?index|connect-dynamodb[\\/].+)\.js$/

/** The requests that may lead to them, whoever makes them. */
const WATCHED_REQUEST =
  /(?:^|[\\/])(?:session[\\/]memory|lib[\\/]store|memory_store|MemoryStore|koa-session(?:[\\/].+)?|connect-dynamodb(?:[\\/].+)?)(?:\.js)?$/

const require: (path: string) => unknown = createRequire(import.meta.url)
let loaded: Substitutes | undefined

if ('bun' in process.versions) {
  process.emitWarning(
    'dynamodb-sessions/register has no effect in Bun, which does not load modules through the hooks of Node: sessions stay ' +
      'where the application keeps them; pass a store of dynamodb-sessions to the framework instead',
    'DynamoDBSessionsWarning',
  )
}
// Its default export, without the helper of the bundler for that, which would be one more file.
const nodeModule = require('node:module') as CommonJSLoader & ModuleHooks
watchRequires(nodeModule)
// The hooks of Deno break `require` of JSON.
if (!('deno' in process.versions)) watchSources(nodeModule)

/** What decides on watched files, loaded when the first of them is. */
function substitutes(): Substitutes {
  loaded ??= require('./substitutes.js') as Substitutes
  return loaded
}

/**
 * Exchanges what watched files export as they are loaded, in the CommonJS loader. (It also loads what ES modules import
 * from most frameworks.)
 *
 * There are two hooks because each is lost in some company: a tool that replaces the compiler of `.js` files, as tsx does,
 * leaves `Module._load` alone; some runtimes do not go by that one. The one that comes second finds the work done.
 */
function watchRequires(loader: CommonJSLoader): void {
  const { _load: load } = loader
  const { '.js': compile } = loader._extensions

  loader._extensions['.js'] = function compileOrReplace(this: unknown, ...loading) {
    const [module, filename] = loading
    const replacement = WATCHED_FILE.test(filename) ? substitutes().replacementOf(filename) : undefined
    if (replacement === undefined) Reflect.apply(compile, this, loading)
    else module.exports = replacement.exports
    if (WATCHED_FILE.test(filename)) module.exports = substitutes().substituteFor(module.exports, filename)
  }

  loader._load = function loadAndSubstitute(this: unknown, ...request) {
    const exported: unknown = Reflect.apply(load, this, request)
    if (!WATCHED_REQUEST.test(request[0])) return exported
    const filename = resolve(loader, request)
    const module = loader._cache[filename]
    // A mock, or a module that is still being loaded, is left alone.
    if (module === undefined || module.exports !== exported || !module.loaded) return exported
    if (!WATCHED_FILE.test(filename)) return exported
    const replacement = substitutes().replacementOf(filename)
    module.exports = substitutes().substituteFor(replacement ? replacement.exports : exported, filename)
    return module.exports
  }
}

/**
 * Exchanges the sources of watched files, where a framework is an ES module, or a loader that is no hook of this kind hands
 * out the sources of CommonJS modules by itself.
 */
function watchSources({ registerHooks }: ModuleHooks): void {
  registerHooks?.({
    load(url, context, nextLoad) {
      const module = nextLoad(url, context)
      return WATCHED_FILE.test(url) ? substitutes().substituteSource(module, url) : module
    },
  })
}

function resolve(loader: CommonJSLoader, request: Parameters<Load>): string {
  try {
    return loader._resolveFilename(...request)
  } catch {
    // Tools that answer requests by themselves, as mocks do, may answer some that lead nowhere.
    return ''
  }
}
