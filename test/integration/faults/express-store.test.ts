import { describe, expect, test } from 'vitest'

import { engine, uniqueTableName } from '../../support/engines.ts'
import { faultyEndpoints } from '../../support/faulty-endpoints.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'
import { callEveryMethod, failedOnce, type MethodOutcome, openStore, secrets } from './express-methods.ts'

/** For endpoints that can only be given up. */
const impatient = { connectTimeoutMs: 300, attemptTimeoutMs: 300, deadlineMs: 700 }

/** For those that fail by themselves, which a busy machine may be slow to see. */
const patient = { connectTimeoutMs: 10_000, attemptTimeoutMs: 10_000, deadlineMs: 25_000 }

/** Longer than any deadline: a call that does not settle fails its test. */

describe.each(faultyEndpoints.map(endpoint => [endpoint.name, endpoint] as const))(
  'an endpoint that %s',
  (_name, { start, codes }) => {
    test('makes every method call back once, with an error, in time', async () => {
      const endpoint = await start()
      const store = openStore({
        endpoint: endpoint.url,
        ...(codes.includes('DEADLINE_EXCEEDED') ? impatient : patient),
      })
      const disconnects: unknown[] = []
      store.on('disconnect', event => disconnects.push(event))
      const outcomes: MethodOutcome[] = []
      const unhandled = await unhandledErrorsDuring(async () => {
        outcomes.push(...(await callEveryMethod(store)))
      })
      expect(outcomes).toMatchObject(failedOnce)
      expect(outcomes.filter(({ code }) => !codes.includes(code))).toEqual([])
      expect(outcomes.filter(({ error }) => tells(error, secrets))).toEqual([])
      expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
      expect(disconnects).toEqual([])
      await store.close()
      await endpoint.close()
    })
  },
)

describe('an engine without the table', () => {
  test('makes every method call back once, with an error that names the table', async () => {
    const table = uniqueTableName()
    const store = openStore({ endpoint: engine.endpoint, table })
    const outcomes: MethodOutcome[] = []
    const unhandled = await unhandledErrorsDuring(async () => {
      outcomes.push(...(await callEveryMethod(store)))
    })
    expect(outcomes).toMatchObject(failedOnce)
    expect(outcomes.filter(({ code }) => code !== 'TABLE_NOT_FOUND')).toEqual([])
    expect(outcomes.filter(({ error }) => !tells(error, [table]))).toEqual([])
    expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
    await store.close()
  })
})

/** Whether an error shows one of some texts, in its message or in that of a cause. */
function tells(error: unknown, texts: readonly string[]): boolean {
  if (!(error instanceof Error)) return false
  const shown = `${error.stack}${JSON.stringify(error)}${String(error)}`
  return texts.some(text => shown.includes(text)) || tells(error.cause, texts)
}
