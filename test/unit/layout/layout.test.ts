import { expect, test } from 'vitest'

import { bothOf, type Condition } from '../../../src/layout/layout.ts'

const first: Condition = {
  expression: '#a > :a OR #b > :a',
  names: { '#a': 'x', '#b': 'y' },
  values: { ':a': { N: '1' } },
}
const second: Condition = { expression: '#c = :c', names: { '#c': 'z' }, values: { ':c': { S: 'v' } } }

test('bothOf holds when both conditions do, whatever operators they are made of', () => {
  expect(bothOf(first, second)).toEqual({
    expression: '(#a > :a OR #b > :a) AND (#c = :c)',
    names: { '#a': 'x', '#b': 'y', '#c': 'z' },
    values: { ':a': { N: '1' }, ':c': { S: 'v' } },
  })
})

test('bothOf is the first alone when there is no second', () => {
  expect(bothOf(first, undefined)).toEqual(first)
})
