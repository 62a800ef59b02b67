/*
 * The pages of the site, in their sections and under their paths. They are the documents that GitHub and the package show: none is
 * written twice.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** A part of the navigation. */
export interface Section {
  readonly title: string
  /** Documents by their paths in the repository, or folders, which stand for all of their documents that no section names. */
  readonly pages: readonly string[]
}

export const sections: readonly Section[] = [
  {
    title: 'Start',
    pages: ['README.md', 'docs/start.md', 'docs/frameworks/', 'docs/recipes.md', 'docs/register.md'],
  },
  {
    title: 'Guides',
    pages: ['docs/sign-in.md', 'docs/testing.md', 'docs/typescript.md', 'docs/encryption.md', 'docs/'],
  },
  { title: 'Moving', pages: ['docs/migrating/'] },
  {
    title: 'Reference',
    pages: [
      'docs/options.md',
      'docs/errors.md',
      'docs/cli.md',
      'site/api/commands.md',
      'docs/guarantees.md',
      'docs/storage-schema.md',
      'docs/layouts.md',
      'docs/php-serialisation.md',
    ],
  },
  { title: 'API', pages: ['site/api/'] },
  { title: 'About', pages: ['docs/limits.md', 'bench/RESULTS.md', 'SECURITY.md', 'CHANGELOG.md'] },
]

/** Documents whose path on the site is not their path in `docs` or `site`. */
const renamed = new Map([
  ['README.md', 'overview.md'],
  ['bench/RESULTS.md', 'benchmarks.md'],
  ['SECURITY.md', 'security.md'],
  ['CHANGELOG.md', 'changelog.md'],
])

/** The path on the site of a document of the repository; nothing when the site does not have it. */
export function sitePathOf(document: string): string | undefined {
  const inFolder = /^(?:docs|site)\/(.*\.md)$/.exec(document)?.[1]
  return renamed.get(document) ?? inFolder?.replace(/(^|\/)README\.md$/, '$1index.md')
}

/** The documents of a section, in their order. */
export function documentsOf({ pages }: Section): readonly string[] {
  return pages.flatMap(page => (page.endsWith('/') ? othersIn(page) : [page]))
}

function othersIn(folder: string): readonly string[] {
  const named = new Set(sections.flatMap(({ pages }) => pages))
  const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
  return names
    .map(name => folder + name)
    .filter(document => document.endsWith('.md') && !named.has(document))
    .sort((left, right) => orderOf(left).localeCompare(orderOf(right)))
}

/** A page that introduces a folder comes first. */
function orderOf(document: string): string {
  return document.replace(/(?:README|index)?\.md$/, '').toLowerCase()
}

/** The title of a document, and its first paragraph as plain text. */
export function headOf(document: string): { readonly title: string; readonly summary: string } {
  const text = withoutBadges(readFileSync(join(root, document), 'utf8'))
  const title = /^# (.*)$/m.exec(text)?.[1] ?? ''
  const [, summary = ''] = /^# .*\n+(?:```[^]*?```\n+)?((?:[^\n#|<-].*\n)+)/m.exec(text) ?? []
  return { title: plain(title), summary: plain(summary) }
}

/** A document without the badges of its repository: the site asks no other server for anything. */
export function withoutBadges(markdown: string): string {
  return markdown.replaceAll(/^\[!\[.*\n/gm, '')
}

function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*\\]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/**
 * Where a link of a document leads on the site. What the site does not have is shown by the repository.
 *
 * @param document path of the document in the repository.
 * @param repository address of the repository.
 */
export function siteLinkOf(link: string, document: string, repository: string): string {
  if (/^(?:[a-z]+:|#|\/\/)/i.test(link)) return link
  const [path = '', anchor] = link.split('#')
  const target = posix.join(posix.dirname(document), path).replace(/\/$/, '')
  const fragment = anchor === undefined ? '' : `#${anchor}`
  const file = target.endsWith('.md') ? target : `${target}/README.md`
  const page = existsSync(join(root, file)) ? sitePathOf(file) : undefined
  if (page === undefined) return `${repository}/blob/main/${target}${fragment}`
  return `/${page.replace(/(?:index)?\.md$/, '')}${fragment}`
}
