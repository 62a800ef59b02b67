import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { expect, onTestFinished, test } from 'vitest'

import { root } from './packed-app.ts'

const manifest = {
  type: 'module',
  exports: { '.': { default: './dist/index.js' }, './package.json': './package.json' },
  bin: { tool: './dist/cli/main.js' },
}

const modules = {
  'index.js': `export { shared } from './shared/shared.js'\nexport const later = () => import('./later/later.js')`,
  'shared/shared.js': `export const shared = { name: 'shared' }`,
  'later/later.js': `import { shared } from '../shared/shared.js'\nexport const seen = shared`,
  'cli/main.js': `#!/usr/bin/env node
import { createRequire } from 'node:module'
import { shared } from '../shared/shared.js'
import { version } from './version.js'
const { plugin } = createRequire(import.meta.url)('../plugins/plugin.js')
console.log(JSON.stringify({ isSame: plugin === shared, version }))`,
  'cli/version.js': `import { readFileSync } from 'node:fs'
export const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).type`,
  'plugins/plugin.js': `export { shared as plugin } from '../shared/shared.js'`,
}

type Files = Readonly<Record<string, string>>

/** Merges the modules of a small package. */
async function merge(files: Files, groups: readonly (readonly string[])[] = []): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-merge-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  for (const [name, code] of Object.entries(files)) {
    await mkdir(dirname(join(folder, 'build', name)), { recursive: true })
    await writeFile(join(folder, 'build', name), code)
  }
  const program = `
    import { mergeModules } from ${JSON.stringify(pathToFileURL(join(root, 'tools/merge-modules.mjs')).href)}
    await mergeModules({ root: process.cwd(), from: 'build', to: 'dist' }, ${JSON.stringify(groups)})`
  await run(folder, '--input-type=module', '--eval', program)
  return folder
}

async function run(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  expect(stderr).toBe('')
  return stdout
}

test('entries, and modules that are loaded by their path, keep their places and share the others', async () => {
  const folder = await merge(modules, [['shared', 'shared/shared.js']])
  const files = await readdir(join(folder, 'dist'), { recursive: true })
  expect(files.filter(file => file.endsWith('.js')).toSorted()).toEqual(
    ['chunks/later.js', 'chunks/shared.js', 'cli/main.js', 'index.js', 'plugins/plugin.js'].map(file =>
      join(file),
    ),
  )
  expect((await readFile(join(folder, 'dist/cli/main.js'), 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(
    true,
  )
  expect(JSON.parse(await run(folder, 'dist/cli/main.js'))).toEqual({ isSame: true, version: 'module' })
  const program = `
    const { later, shared, ...others } = await import('./dist/index.js')
    console.log(JSON.stringify({ isSame: (await later()).seen === shared, others }))`
  const printed = await run(folder, '--input-type=module', '--eval', program)
  expect(JSON.parse(printed)).toEqual({ isSame: true, others: {} })
})

test('what import() loads from a file with more modules brings no file of the bundler along', async () => {
  const folder = await merge(modules, [['shared', 'later/later.js']])
  const program = `
    const { later, shared } = await import('./dist/index.js')
    const module = await later()
    console.log(JSON.stringify({ names: Object.keys(module), isSame: module.seen === shared }))`
  const printed = await run(folder, '--input-type=module', '--eval', program)
  expect(JSON.parse(printed)).toEqual({ names: ['seen'], isSame: true })
  expect(await readdir(join(folder, 'dist/chunks'))).toEqual(['shared.js'])
})

test.each([
  {
    mistake: 'a path that leads nowhere',
    files: { ...modules, 'cli/main.js': modules['cli/main.js'].replace('plugins/plugin', 'plugins/gone') },
    groups: [],
    message: 'cli/main.js loads "../plugins/gone.js", which it does not find from cli/main.js',
  },
  {
    mistake: 'a file that is missing from the package',
    files: { ...modules, 'cli/version.js': modules['cli/version.js'].replace('package.json', 'gone.json') },
    groups: [],
    message: 'cli/version.js loads "../../gone.json", which it does not find from cli/main.js',
  },
  {
    mistake: 'a path that leads elsewhere from where the module is merged into',
    files: modules,
    groups: [['deeper/version', 'cli/version.js']],
    message:
      'cli/version.js loads "../../package.json", which it does not find from chunks/deeper/version.js',
  },
  {
    mistake: 'a group of a module that has moved',
    files: modules,
    groups: [['shared', 'gone.js']],
    message: 'There is no build/gone.js to merge',
  },
  {
    mistake: 'two files of one name',
    files: {
      ...modules,
      'index.js': `${modules['index.js']}\nexport const other = () => import('./other/later.js')`,
      'other/later.js': 'export const seen = 1',
    },
    groups: [],
    message: 'Two merged files would be later.js',
  },
])('refuses $mistake', async ({ files, groups, message }) => {
  await expect(merge(files, groups)).rejects.toThrow(message)
})
