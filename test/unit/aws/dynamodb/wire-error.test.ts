import { inspect } from 'node:util'

import {
  type CallDescription,
  itemOfFailedCondition,
  readWireError,
  toDynamoDBError,
} from '../../../../src/aws/dynamodb/wire-error.ts'
import type { DynamoDBError } from '../../../../src/errors.ts'
import { describe, expect, it } from 'vitest'

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

describe('a table that is not there', () => {
  const notFound = readWireError(answer({ __type: 'ResourceNotFoundException', message: 'no' }))
  const messageFor = (place: Partial<CallDescription>): string =>
    toDynamoDBError(notFound, { ...call, ...place }).message

  it.each([
    ['https://dynamodb.eu-west-1.amazonaws.com', ''],
    ['https://dynamodb.eu-west-1.api.aws', ''],
    ['https://dynamodb-fips.eu-west-1.amazonaws.com', ''],
    ['https://111122223333.ddb.eu-west-1.amazonaws.com', ''],
    ['https://dynamodb.us-east-1.amazonaws.com', ' --endpoint https://dynamodb.us-east-1.amazonaws.com'],
    [
      'https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com',
      ' --endpoint https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com',
    ],
    ['http://127.0.0.1:8000', ' --endpoint http://127.0.0.1:8000'],
    ['http://dynamodb.eu-west-1.amazonaws.com', ' --endpoint http://dynamodb.eu-west-1.amazonaws.com'],
  ])('is to be created where it was looked for: %s', (origin, endpoint) => {
    expect(messageFor({ origin })).toContain(
      `create it with: npx dynamodb-sessions create-table --table sessions --region eu-west-1${endpoint} (and the --layout `,
    )
  })

  it('is named without the rest of its ARN', () => {
    const table = 'arn:aws:dynamodb:eu-west-1:111122223333:table/shop.sessions'
    expect(messageFor({ table })).toContain('create-table --table shop.sessions --region eu-west-1 (')
  })

  it('may be in the region of its ARN', () => {
    const table = 'arn:aws:dynamodb:us-east-1:111122223333:table/sessions'
    const message = messageFor({ table })
    expect(message).toContain(
      `table "${table}" is one of us-east-1, as its ARN says, and requests go to eu-west-1`,
    )
    expect(message).toContain('set the region to us-east-1')
    expect(message).not.toContain('create-table')
    for (const code of ['ValidationException', 'AccessDeniedException']) {
      const error = toDynamoDBError(readWireError(answer({ __type: code })), { ...call, table })
      expect(error.message).toContain('its ARN says us-east-1: set the region to that')
      const here = toDynamoDBError(readWireError(answer({ __type: code })), call)
      expect(here.message).not.toContain('ARN')
    }
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
