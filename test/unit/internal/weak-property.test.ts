import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { weakProperty } from '../../../src/internal/core-objects.ts'

describe('a hidden field', () => {
  test('keeps one value for each object', () => {
    const field = weakProperty<number>()
    const [one, other] = [{}, {}]
    field.set(one, 1)
    field.set(other, 2)
    field.set(one, 3)
    expect([field.of(one), field.of(other), field.of({})]).toEqual([3, 2, undefined])
  })

  test('is another one for each call', () => {
    const [first, second] = [weakProperty<string>(), weakProperty<string>()]
    const object = {}
    first.set(object, 'first')
    expect(second.of(object)).toBeUndefined()
    second.set(object, 'second')
    expect([first.of(object), second.of(object)]).toEqual(['first', 'second'])
  })

  test('does not show', () => {
    const field = weakProperty<string>()
    const object = { a: 1 }
    field.set(object, 'secret')
    expect(Reflect.ownKeys(object)).toEqual(['a'])
    expect(JSON.stringify(object)).toBe('{"a":1}')
    expect(inspect(object, { showHidden: true })).toBe('{ a: 1 }')
    expect(field.of({ ...object })).toBeUndefined()
    expect(field.of(structuredClone(object))).toBeUndefined()
  })

  test.each<[string, object]>([
    ['a frozen object', Object.freeze({ a: 1 })],
    ['a sealed object', Object.seal({ a: 1 })],
    ['a function', (): void => undefined],
    ['a proxy', new Proxy({}, {})],
    ['an object without prototype', Object.create(null) as object],
  ])('belongs to %s, too', (_, object) => {
    const field = weakProperty<number>()
    field.set(object, 1)
    field.set(object, 2)
    expect(field.of(object)).toBe(2)
  })

  test('outlives a freeze', () => {
    const field = weakProperty<number>()
    const object = { a: 1 }
    field.set(object, 1)
    Object.freeze(object)
    field.set(object, 2)
    expect(field.of(object)).toBe(2)
  })

  test.each([undefined, null, 'text', 1, Symbol('s')])('belongs to no %s', value => {
    expect(weakProperty<number>().of(value)).toBeUndefined()
  })
})
