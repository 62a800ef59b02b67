import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { itemOfFailedCondition } from '../../../src/dynamodb/aws-error.ts'
import { type CallDescription, readWireError, toDynamoDBError } from '../../../src/dynamodb/wire-error.ts'
import type { DynamoDBError } from '../../../src/errors.ts'

const call: CallDescription = {
  operation: 'PutItem',
  table: 'sessions',
  region: 'eu-west-1',
  origin: 'https://dynamodb.eu-west-1.amazonaws.com',
  attempts: 1,
}

describe('readWireError', () => {
  it.each([
    ['the __type of the body', { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException' }, {}],
    ['the code of the body', { code: 'ThrottlingException' }, {}],
    ['the header', {}, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/' }],
  ])('takes the name of the exception from %s', (_, body, headers) => {
    expect(readWireError(answer(body, headers)).awsCode).toBe('ThrottlingException')
  })

  it.each([['<html>Bad Gateway</html>'], ['null'], ['[]'], ['"Item"'], ['']])(
    'calls an answer that is not from DynamoDB unknown: %s',
    text => {
      expect(readWireError({ ...answer({}), body: Buffer.from(text) })).toMatchObject({
        awsCode: 'Unknown',
        message: '',
        item: undefined,
      })
    },
  )
})

describe('itemOfFailedCondition', () => {
  const item = { id: { S: 'key' }, data: { S: '{"user":"tell-nobody"}' } }
  const failed = {
    __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
    message: 'The conditional request failed',
  }

  it('has the item that the answer carries', () => {
    expect(itemOfFailedCondition(errorOf({ ...failed, Item: item }))).toEqual(item)
  })

  it('has none where the answer carries none', () => {
    expect(itemOfFailedCondition(errorOf(failed))).toBeUndefined()
  })

  it.each([[null], ['text'], [1], [true], [[item]]])('does not take %j for an item', value => {
    expect(itemOfFailedCondition(errorOf({ ...failed, Item: value }))).toBeUndefined()
  })

  it('has none for other errors', () => {
    const other = { __type: 'ValidationException', message: 'no', Item: item }
    expect(itemOfFailedCondition(errorOf(other))).toBeUndefined()
    expect(itemOfFailedCondition(new Error('no'))).toBeUndefined()
    expect(itemOfFailedCondition(undefined)).toBeUndefined()
  })

  it('does not show when the error is printed (G9)', () => {
    const error = errorOf({ ...failed, Item: item })
    const printed = [
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error),
      JSON.stringify(Object.getOwnPropertyDescriptors(error)),
      String(error),
      error.stack ?? '',
    ]
    expect(printed.join('\n')).toContain('ConditionalCheckFailedException')
    expect(printed.join('\n')).not.toContain('tell-nobody')
  })
})

function answer(body: object, headers: Record<string, string> = {}): Parameters<typeof readWireError>[0] {
  return {
    statusCode: 400,
    headers: new Map(Object.entries(headers)),
    body: Buffer.from(JSON.stringify(body)),
  }
}

function errorOf(body: object): DynamoDBError {
  return toDynamoDBError(readWireError(answer(body)), call)
}
