import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'

import { processEnvironment } from '../internal/process-environment.ts'
import { frameworks, type StoreConstructor } from './default-store.ts'
import { checkPreloadSettings, replacesConnectDynamodb, stopOrWarn } from './preload-settings.ts'
import { isStandIn, storeStandIn } from './store-stand-in.ts'

/** What decides on the exports of watched files. */
export interface Substitutes {
  readonly replacementOf: typeof replacementOf
  readonly substituteFor: typeof substituteFor
}

const require = createRequire(import.meta.url)

/**
 * What is exported in place of a file that is not even evaluated: of the main file of `connect-dynamodb`, when
 * `DYNAMODB_SESSIONS_REPLACE` names that.
 *
 * @throws {TypeError} `INVALID_OPTION` when it is named but cannot be replaced.
 */
export function replacementOf(filename: string): { readonly exports: unknown } | undefined {
  const folder = /^.*[\\/]connect-dynamodb(?=[\\/])/.exec(filename)?.[0]
  if (folder === undefined || packageName(folder) !== 'connect-dynamodb') return undefined
  try {
    checkPreloadSettings(processEnvironment())
    if (!replacesConnectDynamodb(processEnvironment()) || require.resolve(folder) !== filename)
      return undefined
    return { exports: require('../adapters/connect-dynamodb.cjs') }
  } catch (error) {
    stopOrWarn('replace connect-dynamodb', error)
    return undefined
  }
}

/**
 * What is to be exported in place of `exported`: for the file that defines the store in memory of a framework, a
 * constructor that makes a store in DynamoDB when it is the framework that asks for one; else `exported` itself.
 */
export function substituteFor(exported: unknown, filename: string): unknown {
  if (!isConstructor(exported) || isStandIn(exported)) return exported
  const path = filename.replaceAll(sep, '/')
  for (const framework of frameworks) {
    if (!path.endsWith(`/${framework.storeFile}`)) continue
    const folder = filename.slice(0, -framework.storeFile.length - 1)
    if (packageName(folder) === framework.name) return storeStandIn(exported, framework, folder)
  }
  return exported
}

function packageName(folder: string): unknown {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'name') : undefined
  } catch {
    // A folder without a readable package.json is no package.
    return undefined
  }
}

function isConstructor(value: unknown): value is StoreConstructor {
  return typeof value === 'function'
}
