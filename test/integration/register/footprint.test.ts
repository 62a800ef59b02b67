import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder } from './app-folder.ts'
import { environmentFor } from './preload.ts'

let folder: AppFolder
let environment: Readonly<Record<string, string>>

beforeAll(async () => {
  folder = await AppFolder.create()
  for (const name of ['express', 'express-session']) await folder.link(name)
  environment = environmentFor(await SessionTable.create(engine))
})

afterAll(async () => {
  await folder.remove()
})

/** What decides whether a store is needed. */
const preload = ['chunks/errors.js', 'register/index.js', 'register/substitutes.js']

/** Runs a program and returns the files of this package that were loaded, as the engine's record of code has them. */
async function filesLoadedBy(program: string): Promise<string[]> {
  await folder.write('program.cjs', program)
  const coverage = join(folder.path, 'coverage')
  const ended = await folder.run('program.cjs', {
    environment: { ...environment, NODE_V8_COVERAGE: coverage },
  })
  expect(ended).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  const [file = ''] = await readdir(coverage)
  const { result } = JSON.parse(await readFile(join(coverage, file), 'utf8')) as {
    readonly result: readonly { readonly url: string }[]
  }
  await rm(coverage, { recursive: true })
  return result
    .map(({ url }) => /\/dynamodb-sessions\/dist\/(?<path>.+)$/.exec(url)?.groups?.['path'] ?? '')
    .filter(path => path !== '')
    .toSorted()
}

async function printedBy(program: string, nodeOptions: string): Promise<unknown> {
  await folder.write('print.cjs', program)
  const { stdout, stderr } = await folder.run('print.cjs', {
    environment: { ...environment, NODE_OPTIONS: nodeOptions },
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('what the preload is to a process', () => {
  it('without a session framework: one small file', async () => {
    expect(await filesLoadedBy("require('express')")).toEqual(['register/index.js'])
  })

  it('that only has a file with a name like those it looks for: no client, no adapter', async () => {
    await folder.write('lib/store.js', 'module.exports = class Store {}')
    await folder.write('package.json', '{ "name": "app" }')
    const files = await filesLoadedBy("new (require('./lib/store'))()")
    expect(files).toEqual(preload)
  })

  it('that has chosen a store: no client, no adapter', async () => {
    const files = await filesLoadedBy(
      `const session = require('express-session')
       session({ secret: 'x', resave: false, saveUninitialized: false, store: new (class extends session.Store {})() })`,
    )
    expect(files).toEqual(preload)
  })

  it('that uses the default store: the adapter of its framework alone', async () => {
    const files = await filesLoadedBy(
      "require('express-session')({ secret: 'x', resave: false, saveUninitialized: false })",
    )
    expect(files).toEqual([
      'adapters/express-store.js',
      'chunks/core.js',
      'chunks/errors.js',
      'chunks/http.js',
      'register/index.js',
      'register/substitutes.js',
      'store/session-store.js',
    ])
  })

  it('in its globals and its environment: nothing', async () => {
    const print = `require('express-session')({ secret: 'x', resave: false, saveUninitialized: false })
      const { NODE_OPTIONS, ...environment } = process.env
      console.log(JSON.stringify({ globals: Reflect.ownKeys(globalThis).map(String), environment, argv: process.argv }))`
    // Without the preload, express-session warns of its store; that is what standard error is for.
    const quiet = "process.env.NODE_ENV = 'development'\n"
    expect(await printedBy(quiet + print, '--import dynamodb-sessions/register')).toEqual(
      await printedBy(quiet + print, ''),
    )
  })

  it('in the built-in modules of a program that does nothing: the module loader', async () => {
    await folder.write('empty.cjs', '')
    const print =
      'console.log(JSON.stringify(process.moduleLoadList.filter(name => /^NativeModule (?!internal)/.test(name))))'
    const empty = await printedBy(print, '--import ./empty.cjs')
    const preloaded = await printedBy(print, '--import dynamodb-sessions/register')
    expect(preloaded).toEqual(expect.arrayContaining(empty as string[]))
    expect((preloaded as string[]).filter(name => !(empty as string[]).includes(name))).toEqual([
      'NativeModule module',
    ])
  })

  it('when nothing is left to do: nothing that keeps it alive', async () => {
    await folder.write(
      'ends.cjs',
      `const store = require('express-session')({ secret: 'x', resave: false, saveUninitialized: false })
       const request = { url: '/', headers: {}, connection: {} }
       const response = { end() {}, writeHead() {}, setHeader() {}, getHeader() {} }
       store(request, response, () => request.sessionStore.get('an ID', error => console.log(String(error))))`,
    )
    expect(await folder.run('ends.cjs', { environment })).toEqual({
      exitCode: 0,
      stdout: 'null\n',
      stderr: '',
    })
  })
})
