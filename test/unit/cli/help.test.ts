import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { commands } from '../../../src/cli/run.ts'
import { commandHelp, globalHelp } from '../../../src/cli/help.ts'
import { commonOptionsOf, describedOptionsOf, parseCommandArgs } from '../../../src/cli/args.ts'
import type { Output } from '../../../src/cli/output.ts'

const plain = outputOf({ isTerminal: false, columns: 100 })
const target = { output: plain, environment: {} }

function outputOf(form: Pick<Output, 'isTerminal' | 'columns'>): Output {
  return { ...form, write: async () => {} }
}

const loaded = await Promise.all(
  commands.map(async ({ name, load }) => {
    const { command } = await load()
    return { name, command, common: await describedOptionsOf(command) }
  }),
)

describe('the global help', () => {
  const help = globalHelp(commands, target)

  test('names every command and what it does', () => {
    for (const { name, summary } of commands) {
      expect(help).toContain(`  ${name} `)
      expect(help.replaceAll(/\s+/g, ' ')).toContain(summary)
    }
  })

  test('fits the width, whatever that is', () => {
    for (const columns of [72, 80, 100]) {
      const text = globalHelp(commands, {
        output: outputOf({ isTerminal: true, columns }),
        environment: { NO_COLOR: '1' },
      })
      // Examples are to be copied, and not wrapped for that.
      const lines = text
        .split('\n')
        .filter(line => !line.includes('npx dynamodb-sessions') && !line.endsWith(':'))
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns)
    }
  })

  test('has colours in a terminal only, and not where somebody does not want any', () => {
    const terminal = outputOf({ isTerminal: true, columns: 80 })
    expect(globalHelp(commands, { output: terminal, environment: {} })).toContain('\u001B[')
    for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      expect(globalHelp(commands, { output: terminal, environment })).not.toContain('\u001B')
    }
    expect(globalHelp(commands, { output: terminal, environment: { NO_COLOR: '' } })).toContain('\u001B[')
    expect(help).not.toContain('\u001B')
  })
})

describe.each(loaded)('the help of $name', ({ name, command, common }) => {
  const help = commandHelp(name, command, common, target)

  test('shows how to call it, and every option', () => {
    expect(help).toContain(`dynamodb-sessions ${name}`)
    for (const { name: option } of [...command.options, ...commonOptionsOf(command)]) {
      expect(help).toMatch(new RegExp(`^  (?:-h, )?--${option}(?:,| |$)`, 'm'))
    }
  })

  test('says what every option does', () => {
    for (const { description } of [...command.options, ...common]) expect(description).not.toBe('')
  })

  test('has examples that are command lines of this command', () => {
    expect(Object.keys(command.examples).length).toBeGreaterThan(1)
    for (const line of Object.values(command.examples)) {
      expect(help).toContain(`npx dynamodb-sessions ${line}`)
      const [called = '', ...args] = line.split(/ [|<>] /)[0]?.split(' ') ?? []
      const other = loaded.find(each => each.name === called)
      const options = [...(other?.command.options ?? []), ...commonOptionsOf(other?.command ?? {})]
      expect(other).toBeDefined()
      expect(() => parseCommandArgs(args, options)).not.toThrow()
    }
  })

  test('has no option for secrets, and none twice', () => {
    const names = [...command.options, ...commonOptionsOf(command)].map(option => option.name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter(option => /encrypt|secret|password|credential|access-key/.test(option))).toEqual([])
  })
})

test('docs/cli.md has a row for each command, in the order of the help, and no other', () => {
  const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  const [, table = ''] = /^\| command +\| what it does.*?\n((?:\|.*\n)+)/m.exec(page) ?? []
  const rows = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name)
  expect(rows).toEqual(commands.map(({ name }) => name))
})
