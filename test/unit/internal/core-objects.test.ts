import { EventEmitter } from 'node:events'
import { createContext, runInContext, runInThisContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import * as core from '../../../src/internal/core-objects.ts'

const realm = createContext({})

/** The value of an expression, made of the classes of another realm. */
function elsewhere(expression: string): unknown {
  return runInContext(`(${expression})`, realm)
}

describe.each([
  { name: 'here', made: (expression: string): unknown => runInThisContext(`(${expression})`) },
  { name: 'in another realm', made: elsewhere },
])('what was made $name', ({ made }) => {
  test.each([
    'new Error("x")',
    'new TypeError("x")',
    'new AggregateError([], "x")',
    'new (class Own extends RangeError { get [Symbol.toStringTag]() { return "Own" } })("x")',
    'Object.assign(new Error("x"), { name: 1 })',
  ])('%s is an error', expression => {
    expect(core.isError(made(expression))).toBe(true)
    expect(core.messageOf(made(expression))).toBe('x')
  })

  test.each(['undefined', 'null', '"Error"', '{}', '{ message: "x" }', '[]', '() => 1'])(
    '%s is no error',
    expression => {
      expect(core.isError(made(expression))).toBe(false)
      expect(core.messageOf(made(expression))).toBeUndefined()
      expect(core.codeOf(made(expression))).toBeUndefined()
    },
  )

  test('an error has a code where that is a text', () => {
    expect(core.codeOf(made('Object.assign(new Error("x"), { code: "ENOENT" })'))).toBe('ENOENT')
    expect(core.codeOf(made('Object.assign(new Error("x"), { code: 20 })'))).toBeUndefined()
    expect(core.codeOf(made('new Error("x")'))).toBeUndefined()
    expect(core.codeOf(made('{ code: "ENOENT" }'))).toBeUndefined()
  })

  test('a TypeError is told from other errors', () => {
    expect(core.isTypeError(made('new TypeError("x")'))).toBe(true)
    expect(core.isTypeError(made('new RangeError("x")'))).toBe(false)
  })

  test('dates, maps, sets and bytes are known', () => {
    expect(core.isDate(made('new Date(NaN)'))).toBe(true)
    expect(core.isDate(made('{ getTime() { return 1 } }'))).toBe(false)
    expect(core.isMapOrSet(made('new Map()'))).toBe(true)
    expect(core.isMapOrSet(made('new Set()'))).toBe(true)
    expect(core.isMapOrSet(made('new WeakMap()'))).toBe(false)
    expect(core.isUint8Array(made('new Uint8Array(1)'))).toBe(true)
    expect(core.isUint8Array(made('new Uint16Array(1)'))).toBe(false)
    expect(core.isUint8Array(made('[1]'))).toBe(false)
    for (const bytes of [
      'new ArrayBuffer(1)',
      'new SharedArrayBuffer(1)',
      'new DataView(new ArrayBuffer(1))',
    ]) {
      expect(core.isBinary(made(bytes))).toBe(true)
    }
    expect(core.isBinary(made('[1]'))).toBe(false)
  })

  test('a promise is known, be it of JavaScript or not', () => {
    expect(core.isPromise(made('Promise.resolve(1)'))).toBe(true)
    expect(core.isPromise(made('{ then() {} }'))).toBe(true)
    expect(core.isPromise(made('{ then: 1 }'))).toBe(false)
    expect(core.isPromise(made('null'))).toBe(false)
  })
})

test('a DOMException and an error of Node are errors', () => {
  expect(core.isError(new DOMException('x', 'AbortError'))).toBe(true)
  expect(core.isError(AbortSignal.abort().reason)).toBe(true)
})

test('what aborts like a signal is one', () => {
  expect(core.isAbortSignal(new AbortController().signal)).toBe(true)
  expect(core.isAbortSignal(AbortSignal.abort())).toBe(true)
  for (const other of [
    undefined,
    null,
    'abort',
    {},
    { aborted: false },
    new EventTarget(),
    new AbortController(),
  ]) {
    expect(core.isAbortSignal(other)).toBe(false)
  }
})

test('what emits events like an EventEmitter is one', () => {
  expect(core.isEmitter(new EventEmitter())).toBe(true)
  for (const other of [undefined, null, {}, { once: true, off: true }, new EventTarget()]) {
    expect(core.isEmitter(other)).toBe(false)
  }
})
