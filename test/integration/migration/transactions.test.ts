import { describe, expect, test } from 'vitest'

import { DynamoDBError } from '../../../src/errors.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { engine, engines } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { newId } from '../../support/session-ids.ts'
import type { StubAnswer, StubEndpoint, StubRequest } from '../../support/stub-endpoint.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'

const forth: SessionStoreOptions = { migrateFrom: 'connect-dynamodb' }
const back: SessionStoreOptions = { layout: 'connect-dynamodb' }

describe.runIf(engine.supports.transactions)('the transactions of sessions that move', () => {
  const subject = tableSubject(engine, everyTouch)

  /** A store whose requests are written down, and answered by `intercept` where that wants to. */
  const observed = async (
    intercept?: (request: StubRequest) => StubAnswer | undefined,
    options: SessionStoreOptions = {},
  ): Promise<{ readonly store: SessionStore; readonly recorder: StubEndpoint }> => {
    const recorder = await subject.recorder(intercept)
    return { store: open({ ...forth, ...options, endpoint: recorder.url } as SessionStoreOptions), recorder }
  }
  const open = (options: SessionStoreOptions): SessionStore => {
    return subject.closeLater(new SessionStore({ ...subject.options, ...options }))
  }

  test('a read is as many requests as it takes', async () => {
    const [{ store, recorder }, old] = [await observed(), open(back)]
    const [here, there] = [newId(), newId()]
    await store.write(here, { a: 1 })
    await old.write(there, { a: 1 })
    recorder.forget()
    await store.read(here)
    expect(recorder.operations).toEqual(['GetItem'])
    recorder.forget()
    await store.read(there)
    expect(recorder.operations).toEqual(['GetItem', 'GetItem'])
    recorder.forget()
    expect(await store.read(newId())).toBeUndefined()
    expect(recorder.operations).toEqual(['GetItem', 'GetItem', 'TransactGetItems'])
  })

  test('both places are changed in one request', async () => {
    const { store, recorder } = await observed()
    const id = newId()
    await store.write(id, { a: 1 })
    await store.destroy(id)
    expect(recorder.operations).toEqual(['TransactWriteItems', 'TransactWriteItems'])
  })

  test('what is cancelled for a conflict is done again', async () => {
    let conflicts = 0
    const { store } = await observed(({ operation }) => {
      return operation.startsWith('Transact') && conflicts++ % 3 < 2
        ? cancelled('TransactionConflict')
        : undefined
    })
    const old = open(back)
    const [id, created] = [newId(), newId()]
    expect(await store.read(id)).toBeUndefined()
    expect(conflicts).toBe(3)
    await store.write(created, { a: 1 })
    expect((await store.read(created))?.data).toEqual({ a: 1 })
    expect(conflicts).toBe(6)
    await old.write(id, { a: 1 })
    const moved = await store.write(id, { a: 2 }, { basis: await store.read(id) })
    expect(moved?.data).toEqual({ a: 2 })
    expect(conflicts).toBe(9)
    await store.destroy(id)
    expect(conflicts).toBe(12)
    expect(await store.read(id)).toBeUndefined()
  })

  test('conflicts that do not end are an error, and never an absent or a destroyed session (G6, G7)', async () => {
    let isInConflict = false
    const { store } = await observed(
      ({ operation }) =>
        isInConflict && operation.startsWith('Transact') ? cancelled('TransactionConflict') : undefined,
      { connectTimeoutMs: 1000, attemptTimeoutMs: 1000, deadlineMs: 1000 },
    )
    const [id, other] = [newId(), newId()]
    await open(back).write(id, { a: 1 })
    const basis = await store.read(id)
    isInConflict = true
    const inConflict = { awsCode: 'TransactionCanceledException', retryable: true }
    await Promise.all(
      [
        () => store.read(other),
        () => store.write(other, { a: 1 }),
        () => store.write(id, { a: 2 }, { basis }),
        () => store.destroy(id),
        () => store.lock(id),
      ].map(call => expect(call()).rejects.toMatchObject(inConflict)),
    )
    isInConflict = false
    expect((await store.read(id))?.data).toEqual({ a: 1 })
  })

  test.each(['ValidationError', 'ItemCollectionSizeLimitExceeded', 'SomethingNew'])(
    'a move that is cancelled for %s is an error that names it',
    async code => {
      const { store, recorder } = await observed(({ operation }) =>
        operation === 'TransactWriteItems' ? cancelled(code) : undefined,
      )
      const old = open(back)
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await store.read(id)
      const save = store.write(id, { a: 2 }, { basis })
      const error = await rejectionOf(save, DynamoDBError)
      expect(error.message).toContain(`cancelled for ${code}, None`)
      expect(recorder.operations.filter(name => name === 'TransactWriteItems')).toHaveLength(1)
      expect((await old.read(id))?.data).toEqual({ a: 1 })
    },
  )

  test.each(['here', 'there'])('a table that is missing %s is named', async where => {
    const missing = 'no-such-table'
    const store = open(
      where === 'here'
        ? { table: missing, migrateFrom: { prefix: 'old:' } }
        : { migrateFrom: { prefix: 'old:', table: missing } },
    )
    const tableNotFound = {
      code: 'TABLE_NOT_FOUND',
      message: expect.stringContaining(`"${missing}"`) as unknown,
    }
    const id = newId()
    for (const call of [() => store.write(id, { a: 1 }), () => store.destroy(id), () => store.read(id)]) {
      await expect(call()).rejects.toMatchObject(tableNotFound)
    }
  })

  test.each<[string, unknown]>([
    ['no item at all', {}],
    ['one item', { Responses: [{}] }],
    ['something else', { Responses: 'two' }],
    ['an item of others', { Responses: [{ Item: { id: { S: 'another' } } }, {}] }],
  ])(
    'the answer to another request, with %s, does not tell that there is no session (G8)',
    async (_, body) => {
      let wrongAnswers = 1
      const { store } = await observed(({ operation }) => {
        return operation === 'TransactGetItems' && wrongAnswers-- > 0 ? { statusCode: 200, body } : undefined
      })
      expect(await store.read(newId())).toBeUndefined()
      wrongAnswers = 10
      await expect(store.read(newId())).rejects.toMatchObject({ code: 'INVALID_RESPONSE' })
    },
  )
})

describe.each(engines.filter(({ supports }) => !supports.transactions))(
  'on $name, without transactions',
  on => {
    const subject = tableSubject(on, everyTouch)
    const unsupported = {
      name: 'DynamoDBSessionsError',
      code: 'TRANSACTIONS_UNSUPPORTED',
      message:
        'the option "migrateFrom" needs transactions, which this DynamoDB-compatible server does not have; move the sessions ' +
        'on one that has them, such as DynamoDB itself or DynamoDB Local, or leave "migrateFrom" out',
    }

    test('whatever needs one is an error that says so, and the session stays where it is', async () => {
      const old = subject.closeLater(new SessionStore({ ...subject.options, ...back }))
      const store = subject.closeLater(new SessionStore({ ...subject.options, ...forth }))
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await store.read(id)
      expect(basis?.data).toEqual({ a: 1 })
      for (const call of [
        () => store.read(newId()),
        () => store.write(newId(), { a: 1 }),
        () => store.write(id, { a: 2 }, { basis }),
        () => store.destroy(id),
        () => store.lock(id),
      ]) {
        await expect(call()).rejects.toMatchObject(unsupported)
      }
      expect((await old.read(id))?.data).toEqual({ a: 1 })
    })
  },
)

/** The answer for a transaction of two actions, of which the first is to blame. */
function cancelled(code: string): StubAnswer {
  return {
    statusCode: 400,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message: 'Transaction cancelled',
      CancellationReasons: [{ Code: code }, { Code: 'None' }],
    },
  }
}
