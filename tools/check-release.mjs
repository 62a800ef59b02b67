/*
 * What must hold before a version is published: `node tools/check-release.mjs v0.1.0`.
 */
import { readFileSync } from 'node:fs'

import manifest from '../package.json' with { type: 'json' }
import { filesWithPlaceholder } from './repository.mjs'

/**
 * What keeps a version from being published.
 *
 * @param {string} tag
 * @param {{ version: string, dependencies?: object }} released its package.json.
 * @param {string} changelog
 * @param {readonly string[]} unset files that do not know the repository.
 */
export function problemsOf(tag, released, changelog, unset) {
  const heading = changelog.includes(`\n## [${released.version}] - `)
  const dependencies = Object.keys(released.dependencies ?? {})
  return [
    tag !== `v${released.version}` && `The tag is ${tag}, and package.json has version ${released.version}.`,
    !heading && `CHANGELOG.md has no heading "## [${released.version}] - date".`,
    dependencies.length > 0 && `The package must not have dependencies: ${dependencies.join(', ')}.`,
    unset.length > 0 &&
      `Run "node tools/repository.mjs OWNER": no one has said who owns the repository. ${unset.join(', ')}`,
  ].filter(problem => problem !== false)
}

const [, script = '', tag = ''] = process.argv
if (script.endsWith('check-release.mjs')) {
  const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')
  const problems = problemsOf(tag, manifest, changelog, filesWithPlaceholder())
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
