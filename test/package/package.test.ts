import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, it } from 'vitest'

import { engine, uniqueTableName } from '../support/engines.ts'
import { root } from '../support/packed-package.ts'
import { addFrameworks, installPackedApp, type PackedApp } from './packed-app.ts'
import { TypeChecker } from './type-checker.ts'

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  readonly exports: object
}
/** What follows the name of the package in an import. */
const entryPaths = Object.keys(manifest.exports)
  .filter(path => path !== '.' && !path.endsWith('.json'))
  .map(path => path.slice(2))

let app: PackedApp

beforeAll(async () => {
  app = await installPackedApp()
})

function environmentOf(endpoint: string): Record<string, string> {
  return {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    DYNAMODB_SESSIONS_TABLE: uniqueTableName(),
  }
}

/** What the documents in a folder link to, as paths from that folder without anchors. */
async function relativeLinksIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true })
  const links = await Promise.all(
    files
      .filter(file => file.endsWith('.md'))
      .map(async file => {
        const text = await readFile(join(folder, file), 'utf8')
        return [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, link = '']) =>
          join(dirname(file), link),
        )
      }),
  )
  return [...new Set(links.flat())]
}

describe('the packed tarball', () => {
  it('holds the compiled package and its documents, and nothing else', async () => {
    const { stdout } = await app.run('tar', ['-tzf', app.tarball])
    const files = stdout.trim().split('\n')
    expect(files).toContain('package/dist/adapters/express.js')
    expect(files).toContain('package/dist/adapters/express.d.ts')
    expect(files).toContain('package/docs/guarantees.md')
    const published =
      /^package\/(?:dist\/(?:.*\.(?:c?js|mjs|d\.[cm]?ts)|(?:esm\/)?package\.json)|docs\/.*\.md|examples\/.+|bench\/(?:RESULTS\.md|[\w-]+\.svg))$/
    const others = files.filter(file => !published.test(file))
    const folders = entryPaths.map(path => `package/${path}/package.json`)
    expect(others.toSorted()).toEqual(
      [
        'package/CHANGELOG.md',
        'package/LICENSE',
        'package/README.md',
        'package/SECURITY.md',
        'package/package.json',
        'package/schema/options.schema.json',
        ...folders,
      ].toSorted(),
    )
  })

  it('holds what its documents link to', async () => {
    const folder = join(app.folder, 'node_modules/dynamodb-sessions')
    const links = await relativeLinksIn(folder)
    expect(links).toContain('docs/guarantees.md')
    expect(links.filter(link => !existsSync(join(folder, link)))).toEqual([])
  })

  it('brings nothing else along', async () => {
    const { stdout } = await app.run('npm', ['ls', '--omit=dev', '--all', '--parseable'])
    expect(stdout.trim().split('\n').slice(1)).toEqual([join(app.folder, 'node_modules/dynamodb-sessions')])
  })

  it('is a sound package for publint', async () => {
    const pkgDir = join(app.folder, 'node_modules/dynamodb-sessions')
    const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false })
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
  })

  it('has types that resolve, and are those of what is loaded, in every mode', async () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const checked = app.run(process.execPath, [attw, app.tarball, '--format', 'ascii'])
    await expect(checked).resolves.toBeDefined()
  })
})

describe('an app that installed the tarball', () => {
  beforeAll(async () => {
    await addFrameworks(app)
  })

  describe('on an engine', () => {
    const { endpoint } = engine

    it.each(['app.mjs', 'app.cjs'])(
      'keeps its sessions and ends by itself, without a warning: %s',
      async file => {
        const { stdout, stderr } = await app.run(process.execPath, [file], environmentOf(endpoint))
        expect(JSON.parse(stdout)).toEqual({
          visits: [1, 2],
          exports: ['SessionStore', 'DynamoDBSessionsError'],
        })
        expect(stderr).toBe('')
      },
    )
  })

  it('compiles under the strictest settings', async () => {
    await using checker = new TypeChecker(app)
    for (const file of ['consumer.mts', 'consumer.cts']) {
      const { messages } = await checker.checkWithPackage([file])
      expect(messages).toEqual([])
    }
  })
})

describe('a bundle of ./express', () => {
  it('loads nothing that looks for credentials before that is needed', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(root, 'dist/esm/adapters/express.js')],
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      external: ['express-session'],
      outdir: root,
      absWorkingDir: root,
    })
    const loadedAtOnce = new Set<string>()
    const imported = new Set<string>()
    const load = (chunk: string): void => {
      if (loadedAtOnce.has(chunk)) return
      loadedAtOnce.add(chunk)
      for (const { path, kind, external } of metafile.outputs[chunk]?.imports ?? []) {
        if (external === true) imported.add(path)
        else if (kind === 'import-statement') load(path)
      }
    }
    load('express.js')
    const modules = ['crypto', 'diagnostics_channel', 'dns', 'net', 'timers', 'tls', 'util', 'zlib']
    expect(imported).toEqual(new Set(['express-session', ...modules.map(name => `node:${name}`)]))
    const code = outputFiles
      .filter(({ path }) => loadedAtOnce.has(relative(root, path)))
      .map(({ text }) => text)
      .join('')
    expect(code.length).toBeGreaterThan(10_000)
    expect(code).not.toContain('169.254.')
    expect(code).not.toContain('security-credentials')
    expect(code).not.toContain('AssumeRole')
  })
})

describe('the documents', () => {
  it('name every option in the README', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const declared = await Promise.all(
      ['connection-options.ts', 'store-options.ts'].map(file =>
        readFile(join(root, 'src/options', file), 'utf8'),
      ),
    )
    const options = declared.join('\n').matchAll(/^ {2}readonly (\w+)\?:/gm)
    const names = [...options].map(match => match[1] ?? '')
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) expect(readme).toMatch(new RegExp(`^\\| \`${name}\``, 'm'))
  })
})
