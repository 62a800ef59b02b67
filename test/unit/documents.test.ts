import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { anchorOf } from '../../site/anchors.ts'
import { documentsOf, headOf, sections, siteLinkOf } from '../../site/sections.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The documents of the repository, as paths from its root. */
const documents = ['.', 'docs', 'examples', 'bench'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: folder !== '.', encoding: 'utf8' })
    .filter(file => file.endsWith('.md') && !file.includes('node_modules'))
    .map(file => join(folder, file)),
)

/** The text of a document without its blocks of code. */
function proseOf(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/^ *```.*?^ *```/gms, '')
}

/** The anchors of a document's headings. */
function anchorsOf(path: string): string[] {
  return [...proseOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

/** What is wrong with a link; nothing when it leads somewhere. */
function problemOf(link: string, document: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, document) : resolve(root, dirname(document), path)
  if (statSync(target, { throwIfNoEntry: false }) === undefined) return `${link}: there is no such file`
  if (anchor === undefined || anchorsOf(target).includes(anchor)) return undefined
  return `${link}: there is no such heading`
}

test.each(documents)('what %s links to is there, headings too', document => {
  const links = [...proseOf(join(root, document)).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)]
  expect(links.flatMap(([, link = '']) => problemOf(link, document) ?? [])).toEqual([])
})

test.each(documents)('no heading of %s is more than one level below the one before', document => {
  const headings = [...proseOf(join(root, document)).matchAll(/^(#+) (.*)$/gm)]
  const skipping = headings.filter(([, marks = ''], index) => {
    const before = headings[index - 1]?.[1] ?? ''
    return marks.length > before.length + 1
  })
  expect(skipping.map(([heading]) => heading)).toEqual([])
})

test('no page or example has a secret that takes the place of a missing variable', () => {
  const scripts = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js') && !file.includes('node_modules'))
    .map(file => join('examples', file))
  const fallback = /(?:SECRET|KEY)\w*(?:'\])?\s*(?:\?\?|\|\|)\s*(?:\(.*)?['"`][^'"`]/
  expect('process.env.SESSION_SECRET ?? "known"').toMatch(fallback)
  const found = [...documents, ...scripts].filter(file =>
    fallback.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(found).toEqual([])
})

test('every block of JSON is JSON, and the policies permit what `create-table --print` permits, in the same words', () => {
  const blocks = documents.flatMap(file => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, code = '']) => JSON.parse(code) as unknown)
  })
  const printed = readFileSync(join(root, 'examples/infrastructure/sessions.yaml'), 'utf8')
  const [, actions = ''] = /Action: (\["dynamodb:GetItem".*\])/.exec(printed) ?? []
  const policy = { Effect: 'Allow', Action: JSON.parse(actions) as unknown }
  // Those of the README and of the page about hardening.
  expect(blocks).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ Statement: [expect.objectContaining(policy)] }),
      expect.objectContaining(policy),
    ]),
  )
})

test('every page of the documentation is in one section of the site, with a title', () => {
  const pages = sections.flatMap(documentsOf).filter(page => !page.startsWith('site/api/'))
  const written = documents.filter(document => document.startsWith('docs/'))
  expect(pages.toSorted()).toEqual(
    [...written, 'README.md', 'SECURITY.md', 'CHANGELOG.md', 'bench/RESULTS.md'].toSorted(),
  )
  expect(pages.filter(page => headOf(page).title === '')).toEqual([])
})

test.each([
  ['errors.md#codes', 'docs/cli.md', '/errors#codes'],
  ['../migrating/README.md', 'docs/frameworks/express.md', '/migrating/'],
  ['../../README.md#in-60-seconds', 'docs/frameworks/express.md', '/overview#in-60-seconds'],
  [
    '../examples/infrastructure/README.md',
    'docs/cli.md',
    'https://repository/blob/main/examples/infrastructure/README.md',
  ],
  ['../../examples/express', 'docs/frameworks/express.md', 'https://repository/blob/main/examples/express'],
  ['https://example.com/a.md', 'README.md', 'https://example.com/a.md'],
  ['#codes', 'docs/errors.md', '#codes'],
])('%s of %s leads to %s on the site', (link, document, target) => {
  expect(siteLinkOf(link, document, 'https://repository')).toBe(target)
})

test('docs/aws-lambda.md shows the functions of examples/lambda as they are', () => {
  const page = readFileSync(join(root, 'docs/aws-lambda.md'), 'utf8')
  const shown = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code)
  const files = readdirSync(join(root, 'examples/lambda')).filter(file => file.endsWith('.js'))
  expect(files.length).toBeGreaterThanOrEqual(5)
  for (const file of files) {
    expect(shown).toContain(
      readFileSync(join(root, 'examples/lambda', file), 'utf8').replace('// @ts-check\n', ''),
    )
  }
})
