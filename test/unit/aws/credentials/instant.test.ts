import { describe, expect, it } from 'vitest'

import { instantOf } from '../../../../src/aws/credentials/provider.ts'

describe('instantOf', () => {
  it.each([
    '2020-06-17T10:02:08Z',
    '2020-06-17T10:02:08UTC',
    '2020-06-17T10:02:08 UTC',
    '2020-06-17 10:02:08 UTC',
    '2020-06-17T10:02:08utc',
    '2020-06-17T10:02:08GMT',
    '2020-06-17t10:02:08z',
    '2020-06-17T10:02:08',
    '2020-06-17 10:02:08',
    '2020-06-17T10:02:08.000000UTC',
    '2020-06-17T10:02:08+00:00',
    '2020-06-17T10:02:08+0000',
    '2020-06-17T12:02:08+02',
    '2020-06-17T05:02:08-0500',
    '2020-06-17T15:32:08+05:30',
    '2020-06-17T10:02:08Z[UTC]',
    'Wed, 17 Jun 2020 10:02:08 GMT',
    ' 2020-06-17T10:02:08Z\n',
  ])('reads %j', text => {
    expect(instantOf(text)).toEqual(new Date('2020-06-17T10:02:08Z'))
  })

  it.each(['2020-06-17T10:02:08.5UTC', '2020-06-17T10:02:08,5Z', '2020-06-17T10:02:08.500999Z'])(
    'keeps the milliseconds of %j',
    text => {
      expect(instantOf(text)).toEqual(new Date('2020-06-17T10:02:08.500Z'))
    },
  )

  it.each([
    undefined,
    '',
    'soon',
    '2020-06-17T10:02:08XYZ',
    '2020-13-17T10:02:08UTC',
    '2020-06-17T25:02:08Z',
  ])('reads nothing in %j', text => {
    expect(instantOf(text)).toBeUndefined()
  })
})
