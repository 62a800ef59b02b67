import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { root } from '../support/packed-package.ts'
import { addFrameworks, installPackedApp, type PackedApp } from './packed-app.ts'
import { TypeChecker } from './type-checker.ts'

/** The ways of finding declarations that the README names. */
const resolutions = [
  { name: 'nodenext', settings: { module: 'nodenext' } },
  { name: 'bundler', settings: { module: 'preserve', moduleResolution: 'bundler' } },
  {
    name: 'bundler, with the oldest target',
    settings: { module: 'esnext', moduleResolution: 'bundler', target: 'es2022' },
  },
]

const entries = await entriesOfPackage()
let checker: TypeChecker
let typeTests: string[]

beforeAll(async () => {
  const app = await installPackedApp()
  await addFrameworks(app)
  await writeEntries(app, entries)
  typeTests = await copyTypeTests(app)
  checker = new TypeChecker(app)
})

afterAll(async () => {
  await checker[Symbol.asyncDispose]()
})

describe.each(resolutions)('the declarations, found by $name', ({ settings }) => {
  it('compile in an app that checks libraries, fit the frameworks, and refuse what they should', async () => {
    const { files, messages } = await checker.checkWithPackage(['entries.ts', ...typeTests], {
      ...settings,
      allowImportingTsExtensions: true,
    })
    expect(messages).toEqual([])
    expect(entries.length).toBeGreaterThan(10)
    for (const { declarations } of entries) expect(files).toContain(declarations)
    expect(typeTests.length).toBeGreaterThan(5)
    expect(files).toEqual(expect.arrayContaining(typeTests))
  })
})

describe('without the types of Node', () => {
  /** These need them because their frameworks do. */
  const nodeFrameworks = new Set(['./express', './fastify', './koa', './connect-dynamodb'])
  const others = entries.filter(({ path }) => !nodeFrameworks.has(path))
  const noTypes = { types: [], target: 'es2022' }
  let small: PackedApp
  let smallChecker: TypeChecker

  beforeAll(async () => {
    small = await installPackedApp()
    await addFrameworks(small, ['hono', 'react-router'])
    await writeEntries(small, others)
    smallChecker = new TypeChecker(small)
  })

  afterAll(async () => {
    await smallChecker[Symbol.asyncDispose]()
  })

  it.each(resolutions)('the declarations compile: $name', async ({ settings }) => {
    const checked = await smallChecker.checkWithPackage(['entries.ts'], { ...settings, ...noTypes })
    expect(checked.messages).toEqual([])
    for (const { declarations } of others) expect(checked.files).toContain(declarations)
    expect(checked.files.filter(file => file.includes('@types/node/'))).toEqual([])
  })

  it('locks can be released by `await using`, and a transport can answer with plain bytes', async () => {
    const code = `
      import { SessionStore } from 'dynamodb-sessions'
      import type { Transport } from 'dynamodb-sessions/transport'
      const transport: Transport = {
        request: async ({ endpoint }) => {
          const response = await fetch(endpoint.origin)
          const headers = new Map(response.headers)
          const body = new Uint8Array(await response.arrayBuffer())
          return { statusCode: response.status, headers, body }
        },
        close: async () => {},
      }
      await using store = new SessionStore<{ user: string }>({ transport })
      await using lock = await store.lock('id')
      const user: string | undefined = lock?.record.data.user
      console.log(user)`
    await writeFile(join(small.folder, 'disposal.ts'), code)
    const checked = await smallChecker.checkWithPackage(['disposal.ts'], noTypes)
    expect(checked.messages).toEqual([])
    expect(checked.files).toContain('disposal.ts')
  })
})

interface Entry {
  /** As `exports` of `package.json` has it. */
  readonly path: string
  readonly specifier: string
  /** Path of its declarations, from the folder of an app. */
  readonly declarations: string
  /** Specifier of its source, as a test in `test/types` has it. */
  readonly source: string
}

async function entriesOfPackage(): Promise<Entry[]> {
  const { name, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly exports: Readonly<Record<string, string | { readonly import?: { readonly types: string } }>>
  }
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string' || target.import === undefined) return []
    const declarations = join('node_modules', name, target.import.types)
    const source = target.import.types.replace(/^\.\/dist\/(.*)\.d\.mts$/, '../../src/$1.ts')
    return [{ path, specifier: name + path.slice(1), declarations, source }]
  })
}

async function writeEntries({ folder }: PackedApp, imported: readonly Entry[]): Promise<void> {
  const lines = imported.map(({ specifier }, index) => `export type * as entry${index} from '${specifier}'\n`)
  await writeFile(join(folder, 'entries.ts'), lines.join(''))
}

/** The tests of types, which are about the sources, as tests of the installed package. */
async function copyTypeTests({ folder }: PackedApp): Promise<string[]> {
  const names = (await readdir(join(root, 'test/types'))).filter(name => name.endsWith('.types.ts'))
  await mkdir(join(folder, 'types'), { recursive: true })
  await mkdir(join(folder, 'support'), { recursive: true })
  const shared = 'support/express-session-data.ts'
  await writeFile(join(folder, shared), await readFile(join(root, 'test', shared)))
  for (const name of names) {
    const code = await readFile(join(root, 'test/types', name), 'utf8')
    const ofPackage = entries.reduce(
      (text, { source, specifier }) => text.replaceAll(`'${source}'`, `'${specifier}'`),
      code,
    )
    expect(ofPackage).not.toContain('/src/')
    await writeFile(join(folder, 'types', name), ofPackage)
  }
  return names.map(name => join('types', name))
}
