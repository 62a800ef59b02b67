import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { deriveSigningKey, SigningKeyCache } from '../../../../src/aws/sigv4/signing-key.ts'
import { exampleKeys, signingKeyVectors } from './vectors.ts'

describe('deriveSigningKey', () => {
  it.each(signingKeyVectors)('derives the documented key of $date', vector => {
    const signingKey = deriveSigningKey(
      exampleKeys.secretAccessKey,
      vector.date,
      vector.region,
      vector.service,
    )
    expect(signingKey.type).toBe('secret')
    expect(signingKey.export().toString('hex')).toBe(vector.signingKey)
  })
})

describe('SigningKeyCache', () => {
  it('derives a key once', () => {
    const cache = new SigningKeyCache()
    const first = cache.get(exampleKeys, '20260101', 'eu-west-1', 'dynamodb')
    expect(cache.get({ ...exampleKeys }, '20260101', 'eu-west-1', 'dynamodb')).toBe(first)
    expect(
      first.equals(deriveSigningKey(exampleKeys.secretAccessKey, '20260101', 'eu-west-1', 'dynamodb')),
    ).toBe(true)
  })

  it.each([
    { accessKeyId: 'AKIDOTHER' },
    { secretAccessKey: 'another secret' },
    { date: '20260102' },
    { region: 'eu-west-2' },
    { service: 'sts' },
  ])('gives another key for %j', change => {
    const cache = new SigningKeyCache()
    const base = { ...exampleKeys, date: '20260101', region: 'eu-west-1', service: 'dynamodb' }
    const first = cache.get(base, base.date, base.region, base.service)
    const changed = { ...base, ...change }
    const second = cache.get(changed, changed.date, changed.region, changed.service)
    expect(second).not.toBe(first)
    expect(
      second.equals(deriveSigningKey(changed.secretAccessKey, changed.date, changed.region, changed.service)),
    ).toBe(true)
  })

  it('does not mistake one split of the same characters for another', () => {
    const cache = new SigningKeyCache()
    const first = cache.get(exampleKeys, '20260101', 'a/b', 'c')
    expect(cache.get(exampleKeys, '20260101', 'a', 'b/c').equals(first)).toBe(false)
  })

  it('forgets the old secret when the secret of an access key changes', () => {
    const cache = new SigningKeyCache()
    const rotated = { ...exampleKeys, secretAccessKey: 'rotated' }
    const first = cache.get(exampleKeys, '20260101', 'eu-west-1', 'dynamodb')
    const second = cache.get(rotated, '20260101', 'eu-west-1', 'dynamodb')
    expect(cache.get(rotated, '20260101', 'eu-west-1', 'dynamodb')).toBe(second)
    const again = cache.get(exampleKeys, '20260101', 'eu-west-1', 'dynamodb')
    expect(again).not.toBe(first)
    expect(again.equals(first)).toBe(true)
  })

  it('keeps 50 keys, and drops the oldest for the next (G12)', () => {
    const cache = new SigningKeyCache()
    const get = (index: number) => cache.get(exampleKeys, '20260101', `region-${index}`, 'dynamodb')
    const keys = Array.from({ length: 50 }, (_, index) => get(index))
    // All 50 are still there, and asking for one does not make it any younger.
    expect(keys.every((key, index) => get(index) === key)).toBe(true)
    get(50)
    const survivors = keys.slice(1)
    expect(survivors.every((key, index) => get(index + 1) === key)).toBe(true)
    expect(get(0)).not.toBe(keys[0])
  })

  it('drops no other key when it replaces the secret of one', () => {
    const cache = new SigningKeyCache()
    const get = (index: number, secretAccessKey: string) =>
      cache.get({ accessKeyId: 'AKID', secretAccessKey }, '20260101', `region-${index}`, 'dynamodb')
    const keys = Array.from({ length: 50 }, (_, index) => get(index, 'old'))
    get(25, 'new')
    expect(keys.every((key, index) => index === 25 || get(index, 'old') === key)).toBe(true)
  })

  it('shows no secret and no key when it is printed (G9)', () => {
    const cache = new SigningKeyCache()
    const key = cache.get(exampleKeys, '20260101', 'eu-west-1', 'dynamodb')
    const printed = [
      inspect(cache, { depth: Infinity, showHidden: true }),
      inspect({ cache, key }, { depth: Infinity, showHidden: true, getters: true }),
      JSON.stringify({ cache, key }),
      Object.getOwnPropertyNames(cache).join(','),
    ].join('\n')
    expect(printed).toContain('SigningKeyCache')
    expect(printed).not.toContain(exampleKeys.secretAccessKey)
    expect(printed).not.toContain(exampleKeys.accessKeyId)
    const keyBytes = key.export()
    const spellings = [keyBytes.toString('hex'), keyBytes.toString('base64'), inspect(keyBytes)]
    expect(spellings.filter(spelling => printed.includes(spelling))).toEqual([])
  })
})
