import { describe, expect, test } from 'vitest'

import { declared, type ParsedArgs, parseCommandArgs } from '../../../src/cli/args.ts'
import { integerOption, numberOption } from '../../../src/internal/option.ts'
import { UsageError } from '../../../src/cli/output.ts'

const options = declared({
  'table <name>': 'a table',
  'except <ID>...': 'an exception',
  'limit <number>': 'a limit',
  'prefix [text]': 'a prefix',
  json: 'a switch',
})

const parse = (...args: readonly string[]): ParsedArgs => parseCommandArgs(args, options)

describe('parseCommandArgs', () => {
  test('takes values, switches and what stands on its own apart, in any order', () => {
    const args = parse('first', '--table', 'a', '--json', 'second', '--except=x', '--except', 'y')
    expect(args.text('table')).toBe('a')
    expect(args.has('json')).toBe(true)
    expect(args.has('limit')).toBe(false)
    expect(args.text('limit')).toBeUndefined()
    expect(args.texts('except')).toEqual(['x', 'y'])
    expect(args.positionals).toEqual(['first', 'second'])
  })

  test('takes what follows -- as it is, and - as a word', () => {
    expect(parse('--', '-id', '--json').positionals).toEqual(['-id', '--json'])
    expect(parse('-').positionals).toEqual(['-'])
    expect(parse('--table=-a').text('table')).toBe('-a')
  })

  test('takes an empty text where one makes sense', () => {
    expect(parse('--prefix=').text('prefix')).toBe('')
    expect(parse('--prefix', '').text('prefix')).toBe('')
    expect(parse().text('prefix')).toBeUndefined()
    expect(() => parse('--prefix')).toThrow('--prefix needs a value: --prefix <text>')
  })

  test.each([
    [['--tabel', 'x'], 'there is no option --tabel; did you mean --table?'],
    [['--frobnicate'], 'there is no option --frobnicate'],
    [['--table'], '--table needs a value: --table <name>'],
    [['--table='], '--table needs a value: --table <name>'],
    [['--table', ''], '--table needs a value: --table <name>'],
    [
      ['--table', '--json'],
      '--table needs a value: --table <name>; write --table=<name> when it begins with a dash',
    ],
    [['--json=true'], '--json is a switch and takes no value'],
    [['--table', 'a', '--table', 'b'], '--table is there twice; give it once'],
    [['-x'], 'put -- before a session ID that begins with a dash'],
  ])('%j is refused', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError)
    expect(() => parse(...args)).toThrow(message)
  })

  test('does not repeat what may be a session ID', () => {
    for (const args of [['-SECRET-SESSION'], ['--tabel=SECRET-SESSION'], [`--${'SECRET'.repeat(10)}`]]) {
      let message = ''
      try {
        parse(...args)
      } catch (error) {
        message = String(error)
      }
      expect(message).toContain('UsageError')
      expect(message).not.toContain('SECRET')
    }
  })
})

describe('ParsedArgs', () => {
  const bounds = integerOption('things', 1, 100)

  test('reads numbers', () => {
    expect(parse('--limit', '7').number('limit', bounds)).toBe(7)
    expect(parse('--limit', '0.5').number('limit', numberOption('things', 0, 1))).toBe(0.5)
    expect(parse().number('limit', bounds)).toBeUndefined()
  })

  test.each(['0', '101', '1.5', 'many', '1e1', '0x7', 'Infinity'])('refuses %s', text => {
    expect(() => parse('--limit', text).number('limit', bounds)).toThrow(
      '--limit must be a whole number of things from 1 to 100',
    )
  })

  test('reads one of a few words, and names the nearest', () => {
    const words = ['terraform', 'cdk'] as const
    expect(parse('--table', 'cdk').oneOf('table', words)).toBe('cdk')
    expect(parse().oneOf('table', words)).toBeUndefined()
    expect(() => parse('--table', 'teraform').oneOf('table', words)).toThrow(
      '--table must be terraform or cdk; did you mean terraform?',
    )
  })
})
