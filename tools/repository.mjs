/*
 * Where the repository is. Until its owner says so, files that name it have a placeholder in that place:
 *
 *   node tools/repository.mjs OWNER        writes the GitHub account of the owner into them
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What stands for the account. */
export const PLACEHOLDER = ['REPOSITORY', 'OWNER'].join('_')

const root = fileURLToPath(new URL('..', import.meta.url))

/** The files that name the repository, as paths from its root. */
export function filesWithPlaceholder() {
  const folders = ['.github', 'docs', 'etc', 'site', 'tools'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  )
  const files = [...readdirSync(root, { withFileTypes: true }), ...folders]
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).replaceAll('\\', '/'))
  return files
    .filter(file => !/(?:^|\/)(?:node_modules|dist|temp|cache)\//.test(file))
    .filter(file => readFileSync(join(root, file), 'utf8').includes(PLACEHOLDER))
    .sort()
}

const [, script, owner] = process.argv
if (script === fileURLToPath(import.meta.url)) {
  if (owner === undefined || !/^[a-z\d](?:-?[a-z\d]){0,38}$/i.test(owner)) {
    console.error('Usage: node tools/repository.mjs OWNER, with the name of a GitHub account')
    process.exit(2)
  }
  for (const file of filesWithPlaceholder()) {
    const path = join(root, file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(PLACEHOLDER, owner))
    console.log(file)
  }
}
