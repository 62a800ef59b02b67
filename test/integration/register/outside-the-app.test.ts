import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Browser } from '../../support/browser.ts'
import { engine } from '../../support/engines.ts'
import { root } from '../../support/packed-package.ts'
import { SessionTable } from '../../support/session-table.ts'
import { AppFolder, installPackageInto, type RunOptions } from './app-folder.ts'
import { expressApp } from './apps.ts'
import { buildLayer, filesIn, unpackLayer } from './lambda-layer.ts'
import { environmentFor } from './preload.ts'
import { visit } from './visit.ts'

const pages = {
  'docs/aws-lambda.md': await readFile(join(root, 'docs/aws-lambda.md'), 'utf8'),
  'docs/containers.md': await readFile(join(root, 'docs/containers.md'), 'utf8'),
}

/** What stands for `/opt`: the unpacked layer, and the folder `sessions` with the package as npm installs it. */
let opt: string
let layer: string
/** An application that does not have this package. */
let app: AppFolder

beforeAll(async () => {
  opt = await mkdtemp(join(tmpdir(), 'opt-'))
  layer = join(opt, 'layer.zip')
  app = await AppFolder.createEmpty()
  await buildLayer(layer)
  await unpackLayer(layer, opt)
  await installPackageInto(join(opt, 'sessions'))
  for (const name of ['express', 'express-session']) await app.link(name)
  for (const kind of ['cjs', 'mjs'] as const) await app.write(`app.${kind}`, expressApp(kind))
}, 120_000)

afterAll(async () => {
  await app.remove()
  await rm(opt, { recursive: true })
})

describe('the layer for AWS Lambda', () => {
  it('is the same whenever and wherever it is built', async () => {
    const other = join(opt, 'other.zip')
    await buildLayer(other, { TZ: 'Pacific/Kiritimati' })
    expect(Buffer.compare(await readFile(layer), await readFile(other))).toBe(0)
  })

  it('holds what runs, below nodejs/node_modules, and the wrapper script, which may be run', async () => {
    const files = await filesIn(layer)
    const paths = files.map(({ path }) => path)
    const [wrapper, ...rest] = files
    expect([wrapper?.path, wrapper?.mode.toString(8)]).toEqual(['dynamodb-sessions', '100755'])
    expect(new Set(rest.map(({ mode }) => mode.toString(8)))).toEqual(new Set(['100644']))
    const folder = 'nodejs/node_modules/dynamodb-sessions/'
    expect(paths.slice(1).filter(path => !path.startsWith(folder))).toEqual([])
    expect(paths).toEqual(paths.toSorted())
    for (const path of [
      'package.json',
      'LICENSE',
      'register/package.json',
      'dist/index.mjs',
      'dist/cli/main.js',
    ]) {
      expect(paths).toContain(folder + path)
    }
    expect(paths.filter(path => /\.d\.[cm]?ts$|\.md$|\/esm\//.test(path))).toEqual([])
  })

  it('is about as large as its page says', async () => {
    const { length } = await readFile(layer)
    const stated = Number(/(\d+) KB as a zip file/.exec(pages['docs/aws-lambda.md'])?.[1])
    expect(Math.abs(length / 1000 - stated)).toBeLessThan(30)
  })
})

/** A value of NODE_OPTIONS on a page, for the folders of this test. */
function optionsOf(page: keyof typeof pages, pattern: RegExp): () => Readonly<Record<string, string>> {
  const [options] = pattern.exec(pages[page]) ?? []
  if (options === undefined) throw new Error(`${page} has nothing like ${pattern}`)
  return () => ({ NODE_OPTIONS: options.replace('/opt', opt) })
}

/** How an application may be told to load the preload: the variables beside those of every application. */
const ways: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'the layer, --require': optionsOf('docs/aws-lambda.md', /--require \/opt\/[\w/-]+/),
  'the layer, --import': optionsOf('docs/aws-lambda.md', /--import file:\/\/\/opt\/[\w./-]+/),
  'the layer, found by the NODE_PATH of Lambda': () => ({
    NODE_PATH: `${opt}/nodejs/node_modules`,
    NODE_OPTIONS: '--require dynamodb-sessions/register',
  }),
  'the layer, its wrapper script': () => ({ NODE_OPTIONS: '' }),
  'a folder of the container, --require': optionsOf('docs/containers.md', /--require \/opt\/[\w/-]+/),
  'a folder of the container, --import': optionsOf('docs/containers.md', /--import file:\/\/\/opt\/[\w./-]+/),
}

describe.skipIf(process.platform === 'win32')('an application without the package', () => {
  it.each(Object.keys(ways))('%s: sessions survive the process that made them', async way => {
    const table = await SessionTable.create(engine)
    const options: RunOptions = {
      environment: { ...environmentFor(table), ...ways[way]?.() },
      ...(way.endsWith('wrapper script') && { wrapper: join(opt, 'dynamodb-sessions') }),
    }
    const [commonJS, module] = await Promise.all([
      app.start('app.cjs', options),
      app.start('app.mjs', options),
    ])
    const browser = new Browser()
    const store = { store: 'DynamoDBStore', isStore: true }
    expect(await visit(browser, commonJS)).toEqual({ visits: 1, ...store })
    expect(await visit(browser, module)).toEqual({ visits: 2, ...store })
    await commonJS.kill()
    expect(await visit(browser, module)).toEqual({ visits: 3, ...store })
    expect(await table.items()).toHaveLength(1)
    expect([commonJS.stderr, module.stderr]).toEqual(['', ''])
    await module.kill()
  })

  it('does not start with the name alone after --import, for which Node does not look into NODE_PATH', async () => {
    const environment = {
      NODE_PATH: `${opt}/nodejs/node_modules`,
      NODE_OPTIONS: '--import dynamodb-sessions/register',
    }
    const { exitCode, stderr } = await app.run('app.mjs', { environment })
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('ERR_MODULE_NOT_FOUND')
  })

  it('keeps the options of Node that a function has already, after the preload', async () => {
    await app.write('options.cjs', 'console.log(process.env.NODE_OPTIONS)')
    const { stdout } = await app.run('options.cjs', {
      environment: { NODE_OPTIONS: '--no-deprecation' },
      wrapper: join(opt, 'dynamodb-sessions'),
    })
    expect(stdout).toBe(`--require ${opt}/nodejs/node_modules/dynamodb-sessions/register --no-deprecation\n`)
  })
})
