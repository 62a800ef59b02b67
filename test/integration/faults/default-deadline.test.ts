import { setTimeout as delay } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { faultyEndpoints } from '../../support/faulty-endpoints.ts'
import { callEveryMethod, failedOnce, openStore } from './express-methods.ts'

const LIMIT_MS = 8000

test('without any option an endpoint that never answers is given up within 8 seconds', async () => {
  const endpoint = await faultyEndpoints.find(({ name }) => name === 'never answers')?.start()
  const store = openStore({ endpoint: endpoint?.url })
  // A slow machine makes both late.
  const outcomes = await Promise.race([callEveryMethod(store), delay(LIMIT_MS, [], { ref: false })])
  expect(outcomes).toMatchObject(failedOnce)
  expect(outcomes.filter(({ code }) => code !== 'DEADLINE_EXCEEDED')).toEqual([])
  await store.close()
  await endpoint?.close()
})
