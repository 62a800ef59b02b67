import { describe, expect, it } from 'vitest'

import { because, errorCode } from '../../../../src/aws/http/connect-failure.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code })
}

describe('errorCode', () => {
  it('is the code of a system error', () => {
    expect(errorCode(systemError('ECONNREFUSED'))).toBe('ECONNREFUSED')
  })

  it('is the code of the first failure where both address families were tried', () => {
    expect(errorCode(new AggregateError([systemError('EHOSTUNREACH'), systemError('ECONNREFUSED')]))).toBe(
      'EHOSTUNREACH',
    )
  })

  it('prefers the code of the whole', () => {
    const both = Object.assign(new AggregateError([systemError('EHOSTUNREACH')]), { code: 'ECONNREFUSED' })
    expect(errorCode(both)).toBe('ECONNREFUSED')
  })

  it.each([
    undefined,
    'ECONNREFUSED',
    { code: 'ECONNREFUSED' },
    new Error('no code'),
    Object.assign(new Error('a number'), { code: 1 }),
    new AggregateError([]),
    new AggregateError([new Error('no code')]),
  ])('is absent for %j', error => {
    expect(errorCode(error)).toBeUndefined()
  })
})

describe('because', () => {
  it('is empty without a cause, and otherwise a code or a text in brackets behind a blank', () => {
    expect(because(undefined)).toBe('')
    expect(because(systemError('ECONNRESET'))).toBe(' (ECONNRESET)')
    expect(because(new Error('socket hang up'))).toBe(' (socket hang up)')
  })

  it('is of limited length, and nothing that a terminal obeys', () => {
    expect(because(new Error(`cert for \u001B[2J\r\n${'x'.repeat(1000)}`))).toBe(
      ` (cert for  [2J  ${'x'.repeat(285)})`,
    )
  })
})
