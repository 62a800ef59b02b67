import { once } from 'node:events'
import { createContext, runInContext } from 'node:vm'

import { expect, test } from 'vitest'

import { isError } from '../../../src/internal/core-objects.ts'
import { toStoreError, warnOf } from '../../../src/adapters/shared/framework-sessions.ts'

/** An error of another realm. */
function errorElsewhere(): Error {
  const error: unknown = runInContext(
    'Object.assign(new TypeError("out of order"), { code: "X" })',
    createContext({}),
  )
  if (isError(error)) return error
  throw new Error('it is no error')
}

test('a failure of another realm is the error that it is', () => {
  const elsewhere = errorElsewhere()
  expect(toStoreError(elsewhere)).toBe(elsewhere)
})

test('a failure of another realm becomes a warning, which Node refuses to make of it', async () => {
  const elsewhere = errorElsewhere()
  expect(() => {
    process.emitWarning(elsewhere)
  }).toThrow('The "warning" argument')
  const warned = once(process, 'warning')
  warnOf(elsewhere)
  expect(await warned).toEqual([expect.objectContaining({ name: 'TypeError', message: 'out of order' })])
})

test('a failure of this realm is the warning itself', async () => {
  const warned = once(process, 'warning')
  const error = new Error('out of order')
  warnOf(error)
  expect(await warned).toEqual([error])
})
