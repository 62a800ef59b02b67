/*
 * The page with the help of every command, as the command line prints it.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** @param {readonly string[]} args */
function help(...args) {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  return execFileSync(process.execPath, [main, ...args, '--help'], { encoding: 'utf8' }).trim()
}

const overview = help()
const [, list = ''] = /\nCommands\n(.*?)\n\n/s.exec(overview) ?? []
const commands = [...list.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name)
const parts = commands.map(name => `## ${name}\n\n\`\`\`text\n${help(name)}\n\`\`\`\n`)
const intro =
  'The help of each command, as it prints it. The [guide](../../docs/cli.md) explains settings, output and permissions.'
writeFileSync(
  new URL('api/commands.md', import.meta.url),
  [`# Help of the commands\n`, `${intro}\n`, `\`\`\`text\n${overview}\n\`\`\`\n`, ...parts].join('\n'),
)
