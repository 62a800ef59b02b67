import { describe, expect, test } from 'vitest'

import { type ConfigSection, parseIni } from '../../../../src/aws/config/config-file.ts'

type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>

function parsed(...lines: readonly string[]): Sections {
  const entries = [...parseIni(lines.join('\n'))].map(
    ([name, section]: readonly [string, ConfigSection]) => [name, Object.fromEntries(section)] as const,
  )
  return Object.fromEntries(entries)
}

describe('sections and properties', () => {
  test.each<[string, readonly string[], Sections]>([
    ['nothing', [''], {}],
    ['a section without properties', ['[a]'], { a: {} }],
    ['names and values are trimmed', ['[a]', ' k \t= \tv w \t'], { a: { k: 'v w' } }],
    ['blanks inside the brackets too', ['[ \ta b ]', 'k=v'], { 'a b': { k: 'v' } }],
    ['an indented header is one', ['[a]', '  [b]', 'k=v'], { a: {}, b: { k: 'v' } }],
    ['the first = separates', ['[a]', 'k = v=w=='], { a: { k: 'v=w==' } }],
    ['property names are lower-cased, values and sections are not', ['[A]', 'Kk = Vv'], { A: { kk: 'Vv' } }],
    ['the last of two properties wins', ['[a]', 'K=1', 'k=2'], { a: { k: '2' } }],
    [
      'equal headers are one section',
      ['[a]', 'k=1', 'l=1', '[b]', '[a]', 'k=2'],
      { a: { k: '2', l: '1' }, b: {} },
    ],
    ['properties before the first header are nobody’s', ['k=v', '[a]'], { a: {} }],
    ['a line without = is skipped', ['[a]', 'k v', 'l=w'], { a: { l: 'w' } }],
    ['a line without a name is skipped', ['[a]', '= v', 'l=w'], { a: { l: 'w' } }],
    [
      'indented properties outside a block are ordinary',
      ['[a]', '  k = v', '  l = w'],
      { a: { k: 'v', l: 'w' } },
    ],
    ['a byte order mark is no part of the header', ['\uFEFF[a]', 'k=v'], { a: { k: 'v' } }],
    ['lines end with CR LF, too', ['[a]\r', 'k=v\r', 'l=w\r'], { a: { k: 'v', l: 'w' } }],
  ])('%s', (_, lines, sections) => {
    expect(parsed(...lines)).toEqual(sections)
  })
})

describe('comments', () => {
  test.each<[string, readonly string[], Sections]>([
    ['at the beginning of a line', ['# x', '; x', '[a]', '#k=v', ';k=v'], { a: {} }],
    ['after a blank or tab', ['[a] # x', 'k=v # x', 'l=w\t; x'], { a: { k: 'v', l: 'w' } }],
    ['not inside a value', ['[a]', 'k=v#x', 'l=w;x'], { a: { k: 'v#x', l: 'w;x' } }],
    ['right after a header', ['[a];x', 'k=v', '[b]# x', 'k=w'], { a: { k: 'v' }, b: { k: 'w' } }],
    ['a value that is a comment is empty', ['[a]', 'k= # x', 'l=w'], { a: { l: 'w' } }],
  ])('%s', (_, lines, sections) => {
    expect(parsed(...lines)).toEqual(sections)
  })
})

describe('nested blocks', () => {
  test.each<[string, readonly string[], Sections]>([
    [
      'indented properties belong to the block',
      ['[a]', 'Block =', '  Key = v', '\tl = w'],
      { a: { 'block.key': 'v', 'block.l': 'w' } },
    ],
    [
      'a property that is not indented ends it',
      ['[a]', 'b =', '  k = v', 'l = w', '  m = x'],
      { a: { 'b.k': 'v', l: 'w', m: 'x' } },
    ],
    ['blank lines and comments do not', ['[a]', 'b =', '', '# x', '  k = v'], { a: { 'b.k': 'v' } }],
    ['a header does', ['[a]', 'b =', '[c]', '  k = v'], { a: {}, c: { k: 'v' } }],
    ['the next block does', ['[a]', 'b =', '  k = v', 'c =', '  k = w'], { a: { 'b.k': 'v', 'c.k': 'w' } }],
    ['an empty property leaves an earlier value alone', ['[a]', 'k = v', 'k ='], { a: { k: 'v' } }],
  ])('%s', (_, lines, sections) => {
    expect(parsed(...lines)).toEqual(sections)
  })
})

describe('what could end up in the wrong section', () => {
  test.each(['[b', '[b]]', '[b] x', '[]', '[ ]', '[', '[b=c', '[b] = c'])(
    'nothing after the unusable header %s is in the section before',
    header => {
      expect(parsed('[a]', 'k=v', header, 'k=w', 'l=w', '[c]', 'm=x')).toEqual({
        a: { k: 'v' },
        c: { m: 'x' },
      })
    },
  )

  test('names of built-in properties are names like others', () => {
    const sections = parseIni('[__proto__]\nx=1\n[constructor]\n__proto__=2\n__proto__ =\n  y = 3')
    expect([...sections.keys()]).toEqual(['__proto__', 'constructor'])
    expect([...(sections.get('constructor') ?? [])]).toEqual([
      ['__proto__', '2'],
      ['__proto__.y', '3'],
    ])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})
