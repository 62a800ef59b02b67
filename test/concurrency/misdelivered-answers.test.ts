import { describe, expect, onTestFinished, test } from 'vitest'

import type { Item } from '../../src/types.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { type StubAnswer, StubEndpoint } from '../support/stub-endpoint.ts'
import { concurrencySubject } from './concurrency-subject.ts'

describe('an answer with the item of another session (G8)', () => {
  const subject = concurrencySubject(engine)

  test('to the taking of a lock is not taken for the session', async () => {
    const { id, ...misdelivered } = await twoSessions()
    const url = await misdelivered.endpoint('UpdateItem', item => ({
      statusCode: 200,
      body: { Attributes: item },
    }))
    const store = subject.store({ endpoint: url })
    await using held = await store.lock(id)
    expect(held?.record.data).toEqual({ user: 'ada' })
  })

  test('to a save does not pass for a session that has been destroyed', async () => {
    const { id, ...misdelivered } = await twoSessions()
    const url = await misdelivered.endpoint('UpdateItem', item => ({
      statusCode: 400,
      body: {
        __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
        message: 'The conditional request failed',
        Item: item,
      },
    }))
    const store = subject.store({ endpoint: url })
    const saved = await store.write(id, { user: 'ada', visits: 1 }, { basis: await store.read(id) })
    expect(saved?.data).toEqual({ user: 'ada', visits: 1 })
    expect((await subject.store().read(id))?.data).toEqual({ user: 'ada', visits: 1 })
  })

  /** Two sessions, and an endpoint that answers the next request of a kind with what is about the other one. */
  async function twoSessions(): Promise<{
    id: string
    endpoint: (operation: string, answer: (item: Item) => StubAnswer) => Promise<string>
  }> {
    const [id, other] = [newId(), newId()]
    await subject.store().write(id, { user: 'ada' })
    const { key } = await subject.store().write(other, { user: 'bob' })
    const item = await subject.table.item(key)
    if (item === undefined) throw new Error('the other session has no item')
    return {
      id,
      endpoint: async (operation, answer) => {
        let isDue = true
        const stub = await StubEndpoint.inFrontOf(engine.endpoint, request => {
          if (!isDue || request.operation !== operation) return undefined
          isDue = false
          // Begun at another time, so that it cannot be taken for an earlier state of the session.
          return answer({ ...item, created: { N: '1700000000' } })
        })
        onTestFinished(() => stub.close())
        return stub.url
      },
    }
  }
})
