import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { type DynamoDBSecondaryStorage, dynamoDBSecondaryStorage } from '../../../src/adapters/better-auth.ts'
import { SessionConflictError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { hashed } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'
import { dataOf, keyValueSubject } from '../unstorage/key-value-subject.ts'

interface Entry {
  readonly token: string
  readonly expiresAt: number
}

describe('parallel writes of what better-auth stores', () => {
  const subject = keyValueSubject(engine)
  let keys = 0

  function storage(options: Parameters<typeof dynamoDBSecondaryStorage>[0] = {}): DynamoDBSecondaryStorage {
    return subject.closeLater(dynamoDBSecondaryStorage({ ...subject.options, ...options }))
  }

  function freshKey(kind = ''): string {
    return `${kind}key-${keys++}`
  }

  describe('of a session', () => {
    test('that was deleted meanwhile: it stays deleted, however often it is written (G3)', async () => {
      const [store, other, token] = [storage(), storage(), freshKey()]
      await other.set(token, sessionText(token), 60)
      await between(
        store,
        token,
        () => other.delete(token),
        async () => {
          await store.set(token, sessionText(token, { extended: true }), 60)
          await store.set(token, sessionText(token, { extended: true }), 60)
        },
      )
      expect(await other.get(token)).toBeNull()
      expect(await subject.table.item(`better-auth:${hashed(token)}`)).toBeUndefined()
    })

    test('of which each changes another field: both are kept (G2)', async () => {
      const [store, other, token] = [storage(), storage(), freshKey()]
      await other.set(token, sessionText(token, { page: 1, team: 'a' }), 60)
      await between(
        store,
        token,
        () => other.set(token, sessionText(token, { page: 1, team: 'b' }, { name: 'Ada' }), 60),
        () => store.set(token, sessionText(token, { page: 2, team: 'a' }), 60),
      )
      expect(JSON.parse((await other.get(token)) ?? '')).toEqual({
        session: { token, page: 2, team: 'b' },
        user: { name: 'Ada' },
      })
    })

    test('keep the later expiry', async () => {
      const clock = new ManualClock()
      const [store, other, token] = [storage({ clock }), storage({ clock }), freshKey()]
      await other.set(token, sessionText(token), 60)
      await between(
        store,
        token,
        () => other.set(token, sessionText(token, { page: 2 }), 3600),
        () => store.set(token, sessionText(token, { team: 'a' }), 60),
      )
      const item = await subject.table.item(`better-auth:${hashed(token)}`)
      expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + 3_600_000))
    })

    test('whose write lost its answer: it is no conflict with itself (G11)', async () => {
      const token = freshKey()
      let lost = 0
      const endpoint = await subject.losing(
        ({ operation, input }) => operation === 'PutItem' && 'ConditionExpression' in input && lost++ === 0,
      )
      const store = storage({ endpoint: endpoint.url })
      await storage().set(token, sessionText(token), 60)
      await between(
        store,
        token,
        async () => undefined,
        () => store.set(token, sessionText(token, { page: 2 }), 60),
      )
      expect(lost).toBe(2)
      expect(dataOf(await subject.table.item(`better-auth:${hashed(token)}`))).toBe(
        sessionText(token, { page: 2 }),
      )
    })

    test('begin one that was not there when it was looked for, or that this request has deleted itself', async () => {
      const [store, token] = [storage(), freshKey()]
      await between(
        store,
        token,
        async () => undefined,
        () => store.set(token, sessionText(token), 60),
      )
      expect(await store.get(token)).toBe(sessionText(token))
      await between(
        store,
        token,
        () => store.delete(token),
        () => store.set(token, sessionText(token, { page: 2 }), 60),
      )
      expect(await store.get(token)).toBe(sessionText(token, { page: 2 }))
    })

    test.each([
      ['after 20 attempts', 120_000, 0, 20],
      ['within the deadline', 2000, 1, 2],
    ])('give up when others keep on writing, %s (G7)', async (_when, deadlineMs, shareOfPauses, fewest) => {
      // The pauses between the attempts are random parts of what they could be.
      const random = vi.spyOn(Math, 'random').mockReturnValue(shareOfPauses)
      onTestFinished(() => random.mockRestore())
      const [other, token] = [storage(), freshKey()]
      let writes = 0
      const endpoint = await subject.recorder(({ operation, input }) => {
        if (operation !== 'PutItem' || !('ConditionExpression' in input)) return undefined
        writes++
        const item = {
          id: { S: `better-auth:${hashed(token)}` },
          data: { S: sessionText(token) },
          rev: { S: 'other' },
        }
        return {
          statusCode: 400,
          body: { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', Item: item },
        }
      })
      const store = storage({
        endpoint: endpoint.url,
        deadlineMs,
        connectTimeoutMs: deadlineMs,
        attemptTimeoutMs: deadlineMs,
      })
      await other.set(token, sessionText(token), 60)
      const written = between(
        store,
        token,
        async () => undefined,
        () => store.set(token, sessionText(token, { page: 2 }), 60),
      )
      await expect(written).rejects.toThrow(SessionConflictError)
      expect(writes).toBeGreaterThanOrEqual(fewest)
      expect(writes).toBeLessThanOrEqual(20)
    })
  })

  describe("of the list of a user's sessions", () => {
    test('that add and remove entries: all of it counts (G2)', async () => {
      const [store, other, key] = [storage(), storage(), freshKey('active-sessions-')]
      await other.set(key, listText('old', 'kept'), 60)
      await between(
        store,
        key,
        () => other.set(key, listText('kept', 'theirs'), 60),
        () => store.set(key, listText('old', 'kept', 'ours'), 60),
      )
      expect((await list(store, key)).toSorted()).toEqual(['kept', 'ours', 'theirs'])
    })

    test('that both begin it', async () => {
      const [store, other, key] = [storage(), storage(), freshKey('active-sessions-')]
      await between(
        store,
        key,
        () => other.set(key, listText('theirs'), 60),
        () => store.set(key, listText('ours'), 60),
      )
      expect((await list(store, key)).toSorted()).toEqual(['ours', 'theirs'])
    })

    test('of which one deletes it, because nothing was left', async () => {
      const [store, other, key] = [storage(), storage(), freshKey('active-sessions-')]
      await other.set(key, listText('old'), 60)
      await between(
        store,
        key,
        () => other.set(key, listText('old', 'theirs'), 60),
        () => store.delete(key),
      )
      expect(await list(store, key)).toEqual(['theirs'])
      await between(
        store,
        key,
        () => other.delete(key),
        () => store.set(key, listText('theirs', 'ours'), 60),
      )
      expect(await list(store, key)).toEqual(['ours'])
      await between(
        store,
        key,
        async () => undefined,
        () => store.delete(key),
      )
      expect(await subject.table.item(`better-auth:${hashed(key)}`)).toBeUndefined()
    })
  })

  test('other values, and what was not read before, are written as they are', async () => {
    const [store, other] = [storage(), storage()]
    for (const [key, text] of [
      [freshKey('active-sessions-'), 'no list'],
      [freshKey('verification:'), '{"value":"ours"}'],
      [freshKey(), 'no JSON {'],
    ] as const) {
      await between(
        store,
        key,
        () => other.set(key, 'theirs', 60),
        () => store.set(key, text, 60),
      )
      expect(await other.get(key)).toBe(text)
    }
    const token = freshKey()
    await store.set(token, sessionText(token), 60)
    expect(await other.get(token)).toBe(sessionText(token))
  })

  test('requests that run at the same time do not mix up what they have read', async () => {
    const [store, token] = [storage(), freshKey()]
    await store.set(token, sessionText(token), 60)
    const request = async (index: number): Promise<void> => {
      const { session } = JSON.parse((await store.get(token)) ?? '') as { session: object }
      await store.get(freshKey())
      await store.set(token, sessionText(token, { ...session, [`field${index}`]: index }), 60)
    }
    const requests = Array.from({ length: 10 }, (_, index) => request(index))
    await Promise.all(requests)
    const { session } = JSON.parse((await store.get(token)) ?? '') as { session: object }
    expect(Object.keys(session)).toHaveLength(11)
  })
})

/** Reads a value, lets something else happen, and then goes on: as better-auth does, in one asynchronous function. */
async function between<Value>(
  store: DynamoDBSecondaryStorage,
  key: string,
  meanwhile: () => Promise<unknown>,
  goOn: () => Promise<Value>,
): Promise<Value> {
  await store.get(key)
  await meanwhile()
  return goOn()
}

function sessionText(token: string, fields: object = {}, user: object = { name: 'ada' }): string {
  return JSON.stringify({ session: { token, ...fields }, user })
}

async function list(store: DynamoDBSecondaryStorage, key: string): Promise<readonly string[]> {
  return (JSON.parse((await store.get(key)) ?? '[]') as Entry[]).map(({ token }) => token)
}

function listText(...tokens: readonly string[]): string {
  return JSON.stringify(tokens.map((token, index) => ({ token, expiresAt: 1000 + index })))
}
