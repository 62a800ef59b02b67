import { expect, test } from 'vitest'

import { allOf, type Condition } from '../../../src/layouts/layout.ts'

const first: Condition = {
  expression: '#a > :a OR #b > :a',
  names: { '#a': 'x', '#b': 'y' },
  values: { ':a': { N: '1' } },
}
const second: Condition = { expression: '#c = :c', names: { '#c': 'z' }, values: { ':c': { S: 'v' } } }

const third: Condition = { expression: 'attribute_exists(#d)', names: { '#d': 'w' }, values: {} }

test('allOf holds when all conditions do, whatever operators they are made of', () => {
  expect(allOf(first, second, undefined, third)).toEqual({
    expression: '(#a > :a OR #b > :a) AND (#c = :c) AND (attribute_exists(#d))',
    names: { '#a': 'x', '#b': 'y', '#c': 'z', '#d': 'w' },
    values: { ':a': { N: '1' }, ':c': { S: 'v' } },
  })
})

test('allOf is the first alone when the others say nothing', () => {
  expect(allOf(first)).toEqual(first)
  expect(allOf(first, undefined, undefined)).toEqual(first)
})
