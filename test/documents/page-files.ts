import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { root } from '../support/packed-package.ts'

/**
 * The files of a page: blocks of code whose first line is a comment with their name, and nothing else. (In a block of Astro, it is
 * the first line of the script.)
 *
 * @param page path in the repository.
 * @returns their text without that line, by name.
 */
export async function filesOf(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, page), 'utf8')
  return new Map(
    [...text.matchAll(namedBlock)].map(([, fence = '', name = '', code = '']) => [name, fence + code]),
  )
}

const namedBlock = /^```\w+\n(---\n)?(?:\/\/|<!--) (\S+\.\w+)(?: -->)?\n(.*?)^```$/gms

/** A text in which tables that a page names are replaced by others. */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce(
    (sofar, [shown, own]) => sofar.replaceAll(`table: '${shown}'`, `table: '${own}'`),
    text,
  )
}
