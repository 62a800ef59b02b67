import { spawn } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeAll, describe, expect, test, vi } from 'vitest'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { installPackedApp, type PackedApp } from '../package/packed-app.ts'
import { engine } from '../support/engines.ts'
import { root } from '../support/packed-package.ts'
import { areInstalled } from '../support/packages.ts'
import { UserTable } from '../integration/users/user-table.ts'
import { filesOf, withTables } from './page-files.ts'
import { arePackagesInstalled, compiledModulesOf } from './page-modules.ts'

const loaders = join(root, 'test/package/loaders')

/** What is linked beside the package in an app: packages of the repository, or of its loaders. */
async function appOf(
  page: string,
  table: string,
  packages: Readonly<Record<string, string>>,
): Promise<PackedApp> {
  const app = await installPackedApp()
  for (const [name, text] of await filesOf(page)) {
    await writeFile(join(app.folder, name), withTables(text, { sessions: table }))
  }
  for (const [name, folder] of Object.entries(packages)) {
    await symlink(join(folder, 'node_modules', name), join(app.folder, 'node_modules', name))
  }
  return app
}

function from(folder: string, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map(name => [name, folder]))
}

test('the app of docs/start.md counts visits, also in another process', async () => {
  const table = await UserTable.create(engine)
  const { folder } = await appOf('docs/start.md', table.name, from(root, 'express', 'express-session'))
  let cookie = ''
  for (const expected of ['visit 1\n', 'visit 2\n', 'visit 3\n']) {
    const app = spawn(process.execPath, ['app.mjs'], {
      cwd: folder,
      env: { ...process.env, ...engineEnvironment(engine), PORT: '0', SESSION_SECRET: 'a long random text' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let port = ''
    for await (const line of createInterface({ input: app.stdout })) {
      port = /^port (\d+)$/.exec(line)?.[1] ?? ''
      break
    }
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie, connection: 'close' } })
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
    expect(await response.text()).toBe(expected)
    app.kill()
  }
}, 180_000)

describe.runIf(await areInstalled(loaders, 'Jest and TypeScript 5'))('the tests of docs/testing.md', () => {
  test('pass with Vitest', async () => {
    const app = await appOf('docs/testing.md', 'sessions', {
      ...from(root, 'dynalite', 'express', 'express-session', 'vitest'),
    })
    const { stdout } = await app.run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
      NO_COLOR: '1',
      VITEST: '',
    })
    expect(stdout).toMatch(/Tests +4 passed \(4\)/)
  }, 180_000)

  test('pass with Jest', async () => {
    const app = await appOf('docs/testing.md', 'sessions', {
      ...from(root, 'dynalite', 'express', 'express-session'),
      ...from(loaders, '@types', 'jest', 'ts-jest', 'typescript'),
    })
    const compilerOptions = { module: 'commonjs', target: 'es2022', strict: true, esModuleInterop: true }
    await writeFile(join(app.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const { stderr } = await app.run(process.execPath, ['node_modules/jest/bin/jest.js'])
    expect(stderr).toMatch(/^Tests: +4 passed, 4 total$/m)
  }, 180_000)
})

describe.runIf(await arePackagesInstalled())('the modules of the guides', () => {
  let table: UserTable

  beforeAll(async () => {
    table = await UserTable.create(engine)
    for (const [name, value] of Object.entries(engineEnvironment(engine))) vi.stubEnv(name, value)
  })

  /** The modules of a page, with the table of this test in place of its own. */
  async function modulesOf<Modules>(page: string, name: string): Promise<Modules> {
    const folder = await compiledModulesOf(page, { sessions: table.name })
    return (await import(pathToFileURL(join(folder, `${name}.js`)).href)) as Modules
  }

  test('docs/sign-in.md signs others out, and lists devices', async () => {
    const { store, signOutOthers, devicesOf } = await modulesOf<{
      store: {
        write(id: string, data: object): Promise<unknown>
        read(id: string): Promise<unknown>
        close(): Promise<void>
      }
      signOutOthers: (user: string, id: string) => Promise<void>
      devicesOf: (user: string) => Promise<readonly Date[]>
    }>('docs/sign-in.md', 'accounts')
    for (const id of ['phone', 'laptop']) await store.write(id, { user: 'ada' })
    await expect.poll(() => devicesOf('ada')).toHaveLength(2)
    expect((await devicesOf('ada')).every(expiry => expiry.getTime() > Date.now())).toBe(true)
    await signOutOthers('ada', 'laptop')
    expect(await store.read('phone')).toBeUndefined()
    expect(await store.read('laptop')).toMatchObject({ data: { user: 'ada' } })
    await store.close()
  })

  test('docs/typescript.md counts, and maps errors to statuses', async () => {
    const { count, store } = await modulesOf<{
      count: (id: string) => Promise<number>
      store: { close(): Promise<void> }
    }>('docs/typescript.md', 'typed-store')
    expect([await count('counted'), await count('counted')]).toEqual([1, 2])
    await store.close()
  }, 180_000)

  test('docs/locks.md spends no more than there is, and merges counters', async () => {
    type Store = {
      write(id: string, data: object, options?: object): Promise<object>
      read(id: string): Promise<object>
    }
    const { counter } = await modulesOf<{ counter: Store & { close(): Promise<void> } }>(
      'docs/locks.md',
      'counter',
    )
    const basis = await counter.write('counter', { visits: 1 })
    await Promise.all([2, 2, 2].map(visits => counter.write('counter', { visits }, { basis })))
    expect(await counter.read('counter')).toMatchObject({ data: { visits: 4 } })

    const credit = await modulesOf<{
      spend: (id: string, amount: number) => Promise<number>
      close(): Promise<void>
    }>('docs/locks.md', 'credit')
    await counter.write('purse', { credit: 10 })
    const left = await Promise.all([3, 3, 3, 3].map(amount => credit.spend('purse', amount)))
    expect(left.toSorted((one, other) => other - one)).toEqual([7, 4, 1, 0])
    expect(await credit.spend('no-such-session', 1)).toBe(0)
    await counter.close()
    await credit.close()
  }, 180_000)
})
