/*
 * The words of the documentation, as far as a tool can tell: `node tools/lint-prose.mjs` names each place that has another one.
 * Code, tables of options and the changes of old versions are left alone.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What not to write, and what to write instead.
 *
 * @type {readonly (readonly [wrong: RegExp, right: string])[]}
 */
export const words = [
  [/\bsomebody\b/gi, '"another request", "another process", or "someone" for a person'],
  [/\bnobody\b/gi, '"no one"'],
  [/\bwhoever\b/gi, '"anyone who", or name the caller'],
  [/\bwhom\b/gi, 'a sentence with a subject'],
  [/(?<=^|[.:;] )Who \w+s\b(?![^.?]*\?)/g, '"a caller that ..."'],
  [/\banswer(?:s|ed|ing)? with (?:a |an )?(?:status|\d{3})/gi, '"responds with"'],
  [/\b(?:server|proxy|endpoint|DynamoDB)(?:'s)? answers?\b/gi, '"response" or "responds"'],
  [/\b(?:written|stored|returned|sent|kept) as text\b|\bas (?:a )?text(?=[;.,])/gi, '"string"'],
  [/\bthe business of\b/gi, '"up to" or "belongs to"'],
  [/\b(?:is|are) (?:not )?told\b/gi, '"reports", with a subject'],
  [/\btells? (?:of|how|what|when|whether)\b/gi, '"says", "shows" or "reports"'],
  [/\b(?:has|have) to\b(?! do with)/gi, '"must"'],
  [/\bin order to\b/gi, '"to"'],
  [/\b(?:simply|obviously|basically|easily)\b/gi, 'nothing: leave the word out'],
  [/\bof (?:no|not any) use\b/gi, '"useless", or say what fails'],
  [/\bhas got\b|\bhave got\b/gi, '"has" or "received"'],
  [/(?<![-\w])(\w+) \1\b(?<!\bthat that)/gi, 'the word once'],
]

/**
 * The places of a text that have a word to replace.
 *
 * @param {string} text Markdown
 * @returns {readonly { line: number, found: string, right: string }[]}
 */
export function findingsIn(text) {
  const prose = text
    .replaceAll(/^ *```.*?^ *```/gms, blank)
    .replaceAll(/<!-- options of .*?<!-- end of options -->/gs, blank)
    .replaceAll(/`[^`\n]*`/g, code => '`'.repeat(code.length))
    .replaceAll(/\]\([^)\s]*\)/g, link => `]${' '.repeat(link.length - 1)}`)
  return words.flatMap(([wrong, right]) =>
    [...prose.matchAll(wrong)].map(({ 0: found, index }) => ({
      line: prose.slice(0, index).split('\n').length,
      found,
      right,
    })),
  )
}

/** @param {string} text */
function blank(text) {
  return text.replaceAll(/[^\n]/g, ' ')
}

/** The documents that are checked, as paths from the root. */
function documents() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const inFolders = ['docs', 'examples', 'bench'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.md') && !/node_modules|RESULTS/.test(file))
      .map(file => `${folder}/${file}`),
  )
  return ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CODE_OF_CONDUCT.md', ...inFolders].map(file => ({
    file,
    text: readFileSync(join(root, file), 'utf8'),
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file, text } of documents()) {
    for (const { line, found, right } of findingsIn(text)) {
      console.error(`${file}:${line}: write ${right} instead of "${found}"`)
      process.exitCode = 1
    }
  }
}
