import { describe, expect, test } from 'vitest'

import { DynamoDBError, ThrottlingError } from '../../../src/errors.ts'
import type { Condition } from '../../../src/layout/layout.ts'
import { conditionalSetInput, conditionInput, happened } from '../../../src/session/expressions.ts'

const condition: Condition = {
  expression: '#a > :a',
  names: { '#a': 'x' },
  values: { ':a': { N: '1' } },
}

test('conditionInput makes a write conditional', () => {
  expect(conditionInput(condition)).toStrictEqual({
    ConditionExpression: '#a > :a',
    ExpressionAttributeNames: { '#a': 'x' },
    ExpressionAttributeValues: { ':a': { N: '1' } },
  })
})

test('conditionalSetInput sets attributes under a condition and changes nothing else', () => {
  const attributes = { expires: { N: '7' }, 'a b': { S: 'c' } }
  expect(conditionalSetInput(attributes, condition)).toStrictEqual({
    UpdateExpression: 'SET #set0 = :set0, #set1 = :set1',
    ConditionExpression: '#a > :a',
    ExpressionAttributeNames: { '#a': 'x', '#set0': 'expires', '#set1': 'a b' },
    ExpressionAttributeValues: { ':a': { N: '1' }, ':set0': { N: '7' }, ':set1': { S: 'c' } },
  })
  expect(condition.names).toEqual({ '#a': 'x' })
})

describe('happened', () => {
  const details = { statusCode: 400, attempts: 1, retryable: false }

  test('is true for a write that resolved, with whatever', async () => {
    await expect(happened(Promise.resolve({}))).resolves.toBe(true)
    await expect(happened(Promise.resolve())).resolves.toBe(true)
  })

  test('is false for a condition that did not hold', async () => {
    const error = new DynamoDBError('DYNAMODB_ERROR', 'no', {
      ...details,
      awsCode: 'ConditionalCheckFailedException',
    })
    await expect(happened(Promise.reject(error))).resolves.toBe(false)
  })

  test.each([
    new DynamoDBError('DYNAMODB_ERROR', 'no', { ...details, awsCode: 'ValidationException' }),
    new ThrottlingError('no', { ...details, awsCode: 'ThrottlingException' }),
    Object.assign(new Error('of somebody else'), { awsCode: 'ConditionalCheckFailedException' }),
    new TypeError('no'),
  ])('throws every other failure: %s', async failure => {
    await expect(happened(Promise.reject(failure))).rejects.toBe(failure)
  })
})
