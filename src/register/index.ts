/*
 * The preload: `node --import dynamodb-sessions/register app.js` keeps the sessions of an unmodified application in
 * DynamoDB. See docs/register.md.
 *
 * Every Node process under such a NODE_OPTIONS runs this, npm among them. So it only hooks into the module loader, and
 * loads the rest when a session framework is loaded.
 */
import { createRequire } from 'node:module'

import { watchModules } from './module-watch.ts'
import type { Substitutes } from './substitutes.ts'

const require: (path: string) => unknown = createRequire(import.meta.url)
let loaded: Substitutes | undefined

watchModules(() => {
  loaded ??= require('./substitutes.js') as Substitutes
  return loaded
})
