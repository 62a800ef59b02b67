import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { cancellationCodesOf } from '../../../src/aws/dynamodb/wire-error.ts'
import type { Input } from '../../../src/aws/dynamodb/operations.ts'
import { DynamoDBError, ThrottlingError } from '../../../src/errors.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError, type StubStep } from '../../support/stub-dynamodb.ts'
import { openTestClient, useStub } from './test-client.ts'

const stub = useStub()
const twoItems: Input<'TransactGetItems'> = {
  TransactItems: [
    { Get: { TableName: 'sessions', Key: { id: { S: 'one' } } } },
    { Get: { TableName: 'sessions', Key: { id: { S: 'two' } } } },
  ],
}
const found: StubStep = { body: { Responses: [{}, {}] } }

/** The answer for a transaction that was cancelled, with a code for each of its actions. */
function cancelled(...codes: readonly unknown[]): StubStep {
  return {
    statusCode: 400,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message: 'Transaction cancelled, see tell-nobody in the item',
      CancellationReasons: codes.map(Code => ({
        Code,
        Message: 'it was {"user":"tell-nobody"}',
        Item: { id: { S: 'tell-nobody' } },
      })),
    },
  }
}

async function failureFor(step: StubStep): Promise<DynamoDBError> {
  stub().answer(step)
  return rejectionOf(openTestClient(stub().endpoint).send('TransactGetItems', twoItems), DynamoDBError)
}

describe('a cancelled transaction', () => {
  test.each(['ProvisionedThroughputExceeded', 'RequestLimitExceeded', 'ThrottlingError'])(
    'is retried as throttling for %s',
    async code => {
      const error = await failureFor(cancelled('None', code))
      expect(stub().requests).toHaveLength(4)
      expect(error).toBeInstanceOf(ThrottlingError)
      expect(error).toMatchObject({ attempts: 4, retryable: true, awsCode: 'TransactionCanceledException' })
      expect(error.message).toContain(`cancelled for None, ${code}`)
    },
  )

  test('goes on after a lack of capacity has passed', async () => {
    stub().answer(cancelled('ThrottlingError', 'TransactionConflict'), found)
    const client = openTestClient(stub().endpoint)
    await expect(client.send('TransactGetItems', twoItems)).resolves.toEqual({ Responses: [{}, {}] })
  })

  test('is left to the caller for a conflict, as something to do again', async () => {
    const error = await failureFor(cancelled('TransactionConflict', 'None'))
    expect(stub().requests).toHaveLength(1)
    expect(error).toMatchObject({ attempts: 1, retryable: true })
    expect(cancellationCodesOf(error)).toEqual(['TransactionConflict', 'None'])
  })

  test.each([
    ['ConditionalCheckFailed', 'ThrottlingError'],
    ['ConditionalCheckFailed', 'TransactionConflict'],
    ['ItemCollectionSizeLimitExceeded', 'None'],
    ['ValidationError', 'ThrottlingError'],
    ['SomethingNew', 'None'],
  ])('is not retried for %s, %s', async (...codes) => {
    const error = await failureFor(cancelled(...codes))
    expect(stub().requests).toHaveLength(1)
    expect(error).not.toBeInstanceOf(ThrottlingError)
    expect(error).toMatchObject({ code: 'DYNAMODB_ERROR', attempts: 1, retryable: false })
    expect(error.message).toContain(`(TransactionCanceledException: cancelled for ${codes.join(', ')};`)
    expect(cancellationCodesOf(error)).toEqual(codes)
  })

  test.each([[undefined], [1], ['tell-nobody, and more'], ['']])('has no code that is %j', async code => {
    const error = await failureFor(cancelled(code, 'None'))
    expect(cancellationCodesOf(error)).toEqual(['Unknown', 'None'])
    expect(error.retryable).toBe(false)
  })

  test('shows nothing of what its reasons say besides the code (G9)', async () => {
    for (const code of [
      'ConditionalCheckFailed',
      'ValidationError',
      'ThrottlingError',
      'TransactionConflict',
    ]) {
      const error = await failureFor(cancelled(code, 'None'))
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('tell-nobody')
    }
  })

  test.each([[undefined], ['text'], [[]], [{}]])('may have no reasons: %j', async reasons => {
    const error = await failureFor({
      statusCode: 400,
      body: { __type: 'TransactionCanceledException', message: 'why ever', CancellationReasons: reasons },
    })
    expect(error).toMatchObject({ retryable: false, attempts: 1 })
    expect(cancellationCodesOf(error)).toEqual([])
    expect(error.message).toContain('why ever')
  })
})

test.each([
  ['TransactGetItems', twoItems, 'dynamodb:GetItem'],
  [
    'TransactWriteItems',
    { ClientRequestToken: 'token', TransactItems: [] },
    'dynamodb:PutItem or dynamodb:DeleteItem',
  ],
] as const)('a refused %s says which permissions it takes', async (operation, input, permissions) => {
  stub().answer(awsError('AccessDeniedException', 'not authorized'))
  const error = await rejectionOf(openTestClient(stub().endpoint).send(operation, input), DynamoDBError)
  expect(error.message).toContain(`do not permit ${permissions} in eu-west-1`)
})
