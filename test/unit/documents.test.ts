import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

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

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...proseOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
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
