import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import {
  credentialsOfDocument,
  type CredentialsDocumentFormat,
  parseJsonObject,
} from '../../../../src/aws/credentials/credentials-document.ts'
import { CredentialsError } from '../../../../src/errors.ts'
import { thrownBy } from '../../../support/failure.ts'

const temporary: CredentialsDocumentFormat = { sessionToken: 'Token', temporary: true }
const printed: CredentialsDocumentFormat = { sessionToken: 'SessionToken', temporary: false }
const complete = {
  AccessKeyId: 'ASIAEXAMPLE',
  SecretAccessKey: 'the-secret',
  Token: 'the-token',
  Expiration: '2031-05-06T08:00:00Z',
}

function failureOf(run: () => unknown): CredentialsError {
  return thrownBy(run, CredentialsError)
}

describe('parseJsonObject', () => {
  it.each([
    '',
    '{',
    '{"SecretAccessKey": "the-secret"',
    'the-secret',
    '<html>the-secret</html>',
    '{the-secret}',
  ])('refuses %j without a trace of it', text => {
    const error = failureOf(() => parseJsonObject(text, 'the answer'))
    expect(error.message).toBe('the answer is not JSON, or has been cut short')
    expect(error.tryNextProvider).toBe(false)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/the-secret|SyntaxError/)
  })

  it.each(['null', '[]', '"the-secret"', '7', 'true'])('refuses %s, which is no object', text => {
    expect(failureOf(() => parseJsonObject(text, 'the answer')).message).toBe(
      'the answer is not a JSON object',
    )
  })

  it('leaves the prototype alone', () => {
    const document = parseJsonObject('{"__proto__": {"AccessKeyId": "x"}}', 'the answer')
    expect(document['AccessKeyId']).toBeUndefined()
  })
})

describe('credentialsOfDocument', () => {
  it('takes what a metadata service answers with', () => {
    expect(
      credentialsOfDocument({ ...complete, AccountId: '123456789012', Extra: 1 }, 'it', temporary),
    ).toEqual({
      accessKeyId: 'ASIAEXAMPLE',
      secretAccessKey: 'the-secret',
      sessionToken: 'the-token',
      expiration: new Date('2031-05-06T08:00:00Z'),
      accountId: '123456789012',
    })
  })

  it.each(['AccessKeyId', 'SecretAccessKey', 'Token', 'Expiration'] as const)('insists on %s', name => {
    for (const value of [undefined, null, '', 7, {}, ['x']] as const) {
      const error = failureOf(() =>
        credentialsOfDocument({ ...complete, [name]: value }, 'the answer', temporary),
      )
      expect(error.message).toBe(`the answer has no text ${name}`)
      expect(error.tryNextProvider).toBe(false)
    }
  })

  it.each(['yesterday', '2031-13-45T00:00:00Z'])('refuses the expiration %j', value => {
    const error = failureOf(() => credentialsOfDocument({ ...complete, Expiration: value }, 'it', temporary))
    expect(error.message).toContain('an Expiration that is not a date')
    expect(error.message).not.toContain(value)
  })

  it.each(['AccessKeyId', 'SecretAccessKey', 'Token'] as const)('refuses a line break in %s', name => {
    const error = failureOf(() =>
      credentialsOfDocument({ ...complete, [name]: 'tricky\r\nx: y' }, 'it', temporary),
    )
    expect(error.message).not.toContain('tricky')
  })

  it('lets a credential process leave out what is temporary', () => {
    const document = { AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: 'the-secret', SessionToken: null }
    expect(credentialsOfDocument(document, 'it', printed)).toEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'the-secret',
    })
    expect(
      failureOf(() => credentialsOfDocument({ ...document, Expiration: 7 }, 'it', printed)).message,
    ).toBe('it has no text Expiration')
    expect(failureOf(() => credentialsOfDocument({ ...document, AccountId: 7 }, 'it', printed)).message).toBe(
      'it has no text AccountId',
    )
  })
})
