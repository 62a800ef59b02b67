import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import * as errors from '../../src/errors.ts'

const source = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8')
const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** The rows of the table of codes: the code, and the class that has it. */
const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| `(\w+)` +\|/gm)].map(
  ([, code = '', name = '']) => [code, name] as const,
)

/** The codes in the types of `errors.ts`: members of unions, and what classes declare. */
const codes = [
  ...new Set(
    [...source.matchAll(/^ +(?:\| |declare readonly code: )(.*)$/gm)].flatMap(([, text = '']) =>
      wordsIn(text),
    ),
  ),
]

function wordsIn(text: string): string[] {
  return [...text.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code)
}

test('docs/errors.md has every code of the exported unions, once, and no other', () => {
  expect(codes.length).toBeGreaterThan(30)
  expect(rows.map(([code]) => code).toSorted()).toEqual(codes.toSorted())
})

test('docs/errors.md names a class that is exported', () => {
  for (const [, name] of rows) expect(name === 'TypeError' || name in errors).toBe(true)
})
