/*
 * The site is made of the documents of the repository, where they are; `sections.mjs` says which.
 */
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

import manifest from '../../package.json' with { type: 'json' }
import { anchorOf } from '../anchors.ts'
import { llmsFiles } from '../llms.ts'
import { documentsOf, headOf, root, sections, siteLinkOf, sitePathOf, withoutBadges } from '../sections.ts'

const repository = manifest.repository.url.replaceAll(/^git\+|\.git$/g, '')
/** GitHub Pages has the sites of projects in a folder. */
const base = process.env['DOCS_BASE'] ?? '/'

/** @param {string} document */
function itemOf(document) {
  const { title } = headOf(document)
  const text = document === 'README.md' ? 'Overview' : (title.split(': ')[0] ?? title)
  return { text, link: `/${sitePathOf(document)?.replace(/(?:index)?\.md$/, '')}` }
}

/**
 * Makes links of the repository links of the site, and leaves out its badges.
 *
 * @typedef {(state: State) => void} Rule
 * @param {{ core: { ruler: { push(name: string, rule: Rule): void, before(next: string, name: string, rule: Rule): void } } }} markdown
 * @typedef {{ type: string, children: Token[] | null, attrGet(name: string): string | null, attrSet(name: string, value: string): void }} Token
 * @typedef {{ src: string, tokens: Token[], env: { path: string, realPath?: string } }} State
 */
function adaptDocuments(markdown) {
  markdown.core.ruler.before('normalize', 'badges-of-the-repository', state => {
    state.src = withoutBadges(state.src)
  })
  markdown.core.ruler.push('links-of-the-repository', ({ tokens, env }) => {
    const document = relative(root, env.realPath ?? env.path).replaceAll('\\', '/')
    const links = tokens.flatMap(token => token.children ?? []).filter(({ type }) => type === 'link_open')
    for (const link of links) {
      link.attrSet('href', siteLinkOf(link.attrGet('href') ?? '', document, repository))
    }
  })
}

/** Pages outside of this folder do not find the Vue that is installed in it; what renders them does. */
const findVue = {
  name: 'find-vue',
  enforce: 'pre',
  /**
   * @param {string} id
   * @param {string | undefined} _importer
   * @param {{ ssr?: boolean }} options
   */
  resolveId(id, _importer, { ssr }) {
    return ssr === true && /^vue(?:\/server-renderer)?$/.test(id) ? { id, external: true } : undefined
  },
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#3451b2"/><path d="M9 9h14M9 16h14M9 23h8" stroke="#fff" stroke-width="3"/></svg>`

const config = {
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  title: manifest.name,
  description: manifest.description,
  lang: 'en',
  base,
  cleanUrls: true,
  metaChunk: true,
  srcDir: root,
  srcExclude: [
    '!(docs|site|bench)/**/*',
    'bench/*/**',
    'bench/!(RESULTS).md',
    'CONTRIBUTING.md',
    'CODE_OF_CONDUCT.md',
  ],
  rewrites: sitePathOf,
  outDir: join(root, 'site/dist'),
  vite: { plugins: [findVue], build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    anchor: { slugify: anchorOf },
    languageAlias: { cjs: 'js' },
    config: adaptDocuments,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: sections.flatMap(section => {
      const [first] = documentsOf(section)
      return first === undefined ? [] : [{ ...itemOf(first), text: section.title }]
    }),
    sidebar: sections.map(section => ({
      text: section.title,
      items: documentsOf(section).map(itemOf),
    })),
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: `${manifest.license} licence` },
  },
  /** @param {{ outDir: string }} site */
  buildEnd({ outDir }) {
    for (const [name, text] of llmsFiles(manifest.name, manifest.description, manifest.homepage)) {
      writeFileSync(join(outDir, name), text)
    }
  },
}

export default config
