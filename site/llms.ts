/*
 * The site for language models, as https://llmstxt.org has it: a list of all pages, and all of them in one file.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { documentsOf, headOf, root, sections, sitePathOf, withoutBadges } from './sections.ts'

/**
 * @param name of the package.
 * @param description of the package.
 * @param address of the site, with a slash at its end.
 * @returns the files, by their names.
 */
export function llmsFiles(
  name: string,
  description: string,
  address: string,
): readonly (readonly [name: string, text: string])[] {
  const lists = sections.map(section => {
    const items = documentsOf(section).map(document => {
      const { title, summary } = headOf(document)
      const path = sitePathOf(document)?.replace(/(?:index)?\.md$/, '') ?? ''
      return `- [${title}](${address}${path})${summary === '' ? '' : `: ${summary}`}`
    })
    return `## ${section.title}\n\n${items.join('\n')}\n`
  })
  const written = sections
    .flatMap(documentsOf)
    .filter(document => !/^(?:site|bench|CHANGELOG)/.test(document))
  return [
    ['llms.txt', [`# ${name}`, `> ${description}`, ...lists].join('\n\n')],
    [
      'llms-full.txt',
      written.map(document => withoutBadges(readFileSync(join(root, document), 'utf8'))).join('\n\n'),
    ],
  ]
}
