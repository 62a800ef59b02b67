import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { redactSecrets } from '../../../../src/aws/dynamodb/redact.ts'
import type { WireError } from '../../../../src/aws/dynamodb/wire-error.ts'
import type { Credentials } from '../../../../src/types.ts'

const withheld = 'the message repeats parts of the request and is withheld'
const credentials: Credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'SECRETsecretSECRETsecret',
  sessionToken: 'TOKENtokenTOKENtokenTOKEN',
}
const input = {
  TableName: 'the-name-of-the-table',
  Key: { id: { S: 'session-id-0123456789' } },
  ExpressionAttributeNames: { '#name': 'an-attribute-of-the-table' },
}

describe('the message of an error', () => {
  test.each([
    '',
    'Requested resource not found: Table: the-name-of-the-table not found',
    'Invalid UpdateExpression: an-attribute-of-the-table is not #name',
    'The access key ID AKIDEXAMPLE is not known',
  ])('passes on what repeats nothing secret: %s', message => {
    expect(redactedMessage(message, input, credentials)).toBe(message)
  })

  test.each([credentials.secretAccessKey, credentials.sessionToken, 'session-id-0123456789'])(
    'withholds all of a message that repeats %s',
    secret => {
      expect(redactedMessage(`a ${secret} b`, input, credentials)).toBe(withheld)
    },
  )

  test.each(['Key', 'Item', 'ExpressionAttributeValues', 'ExclusiveStartKey', 'RequestItems'])(
    'looks at every text in %s, however deep',
    field => {
      const value = { a: { M: { b: { L: [{ N: '1' }, { SS: ['x', 'deep-in-there'] }, null, true] } } } }
      expect(redactedMessage('found deep-in-there', { [field]: value }, credentials)).toBe(withheld)
    },
  )

  test('looks into every action of a transaction, and takes the names of tables for none', () => {
    const transaction = {
      TransactItems: [
        { Put: { TableName: 'sessions-table', Item: { id: { S: 'first-id' } } } },
        { Delete: { TableName: 'sessions-table', Key: { id: { S: 'second-id' } } } },
      ],
    }
    expect(redactedMessage('found first-id', transaction, credentials)).toBe(withheld)
    expect(redactedMessage('found second-id', transaction, credentials)).toBe(withheld)
    expect(redactedMessage('no sessions-table', transaction, credentials)).toBe('no sessions-table')
  })

  test('takes texts of up to five characters for chance, and six for a secret', () => {
    const message = 'it says abcdef'
    expect(redactedMessage(message, { Key: { id: { S: 'bcdef' } } }, credentials)).toBe(message)
    expect(redactedMessage(message, { Key: { id: { S: 'abcdef' } } }, credentials)).toBe(withheld)
  })

  test('needs all of a secret of up to 16 characters', () => {
    const shorter = { Key: { id: { S: '0123456789abcdef' } } }
    expect(redactedMessage('0123456789abcde-', shorter, credentials)).toBe('0123456789abcde-')
    expect(redactedMessage('0123456789abcdef', shorter, credentials)).toBe(withheld)
  })

  test('passes on what has 15 characters in common', () => {
    const longer = { Key: { id: { S: '0123456789abcdefg' } } }
    expect(redactedMessage('0123456789abcde-', longer, credentials)).toBe('0123456789abcde-')
    expect(redactedMessage('0123456789abcdef', longer, credentials)).toBe(withheld)
  })

  test('withholds every message with 19 characters in a row of a secret, wherever they are', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 19, maxLength: 200 }).filter(text => !text.includes('\\')),
        fc.nat(),
        fc.string(),
        fc.string(),
        (secret, offset, before, after) => {
          const start = offset % (secret.length - 18)
          const message = before + secret.slice(start, start + 19) + after
          expect(redactedMessage(message, { Item: { data: { S: secret } } }, credentials)).toBe(withheld)
        },
      ),
    )
  })

  test('recognises JSON that has been written as JSON any number of times', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), { minKeys: 2 }),
        fc.integer({ min: 1, max: 4 }),
        (data, times) => {
          const secret = JSON.stringify(data)
          let message = secret
          for (let time = 0; time < times; time++) message = JSON.stringify(message)
          expect(redactedMessage(message, { Item: { data: { S: secret } } }, credentials)).toBe(withheld)
        },
      ),
    )
  })

  test('manages without a session token', () => {
    const { sessionToken: _, ...staticCredentials } = credentials
    expect(redactedMessage('undefined', input, staticCredentials)).toBe('undefined')
  })
})

describe('the codes and the request ID of an error', () => {
  const telling: WireError = {
    awsCode: 'session_id_0123456789',
    message: '',
    statusCode: 400,
    requestId: 'session-id-0123456789',
    cancellationCodes: ['None', 'session_id_0123456789'],
  }

  test('are withheld where they repeat something secret', () => {
    const secret = { Key: { id: { S: 'session-id-0123456789' }, other: { S: 'session_id_0123456789' } } }
    expect(redactSecrets(telling, secret, credentials)).toEqual({
      ...telling,
      awsCode: 'Unknown',
      requestId: undefined,
      cancellationCodes: ['None', 'Unknown'],
    })
  })

  test('are passed on otherwise', () => {
    expect(redactSecrets(telling, { Key: { id: { S: 'another' } } }, credentials)).toEqual(telling)
  })

  test.each(['ConditionalCheckFailedException', 'ProvisionedThroughputExceeded', 'ConditionalCheckFailed'])(
    'are what they are although a session tells of such an error: %s',
    code => {
      const session = { Item: { data: { S: `{"lastError":"DynamoDB: ${code}: no"}` } } }
      const wire = { ...telling, awsCode: code, cancellationCodes: [code] }
      expect(redactSecrets(wire, session, credentials)).toMatchObject({
        awsCode: code,
        cancellationCodes: [code],
      })
    },
  )
})

function redactedMessage(message: string, of: object, by: Credentials): string {
  return redactSecrets({ awsCode: 'Unknown', message, statusCode: 400, requestId: undefined }, of, by).message
}
