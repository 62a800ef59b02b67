import { expect, it } from 'vitest'

import { deferred } from '../../../src/internal/timers.ts'

it('is resolved from outside', async () => {
  const { promise, resolve, reject } = deferred<string>()
  resolve('first')
  resolve('second')
  reject(new Error('too late'))
  await expect(promise).resolves.toBe('first')
})

it('is rejected from outside', async () => {
  const { promise, resolve, reject } = deferred<string>()
  const error = new Error('first')
  reject(error)
  resolve('too late')
  await expect(promise).rejects.toBe(error)
})

it('stays pending until then', async () => {
  const { promise } = deferred<string>()
  await expect(Promise.race([promise, Promise.resolve('pending')])).resolves.toBe('pending')
})
