import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeAll, describe, expect, test, vi } from 'vitest'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { engine } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { arePackagesInstalled, compiledModulesOf } from './page-modules.ts'

/** What uses the module of each recipe. */
type Users = Readonly<Record<string, (module: unknown) => Promise<void>>>

describe.runIf(await arePackagesInstalled())('a recipe', () => {
  let folder: string
  let users: Users

  beforeAll(async () => {
    const [sessions, auth, cache] = await Promise.all([1, 2, 3].map(() => SessionTable.create(engine)))
    const tables = { sessions: sessions?.name ?? '', auth: auth?.name ?? '', cache: cache?.name ?? '' }
    folder = await compiledModulesOf('docs/recipes.md', tables)
    for (const [name, value] of Object.entries(engineEnvironment(engine))) vi.stubEnv(name, value)
    users = (await import(new URL('fixtures/recipes.mjs', import.meta.url).href)) as Users
  })

  test.each([
    ['AdonisJS', 'dynamodb_store'],
    ['Auth.js and next-auth', 'auth_adapter'],
    ['Keyv and cache-manager', 'cache'],
    ['grammY and Telegraf', 'bot_session'],
    ['@hono/session', 'hono_storage'],
    ['Remix 3', 'remix_storage'],
  ])('for %s keeps what it is given, and drops what is over', async (_library, name) => {
    const module: unknown = await import(pathToFileURL(join(folder, `${name}.js`)).href)
    await expect(users[name]?.(module)).resolves.toBeUndefined()
  })
})
