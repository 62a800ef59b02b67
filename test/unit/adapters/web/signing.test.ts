import { createHmac } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { newSessionId } from '../../../../src/adapters/shared/session-cookie.ts'
import { IdSigner } from '../../../../src/adapters/web/cookie.ts'

const secrets = ['the first long secret', 'the second long secret'] as const
const signer = new IdSigner(secrets, '__Host-session')

describe('session IDs', () => {
  test('are 32 random bytes in characters that a cookie can carry', () => {
    const ids = Array.from({ length: 1000 }, () => newSessionId())
    expect(new Set(ids).size).toBe(1000)
    for (const id of ids) {
      expect(id).toMatch(/^[\w-]{43}$/)
      expect(Buffer.from(id, 'base64url')).toHaveLength(32)
    }
  })
})

describe('signatures', () => {
  const id = newSessionId()

  test('are the HMAC-SHA-256 of the cookie name and the ID', () => {
    const mac = createHmac('sha256', secrets[0]).update(`__Host-session=${id}`).digest('base64url')
    expect(signer.sign(id)).toBe(`${id}.${mac}`)
  })

  test('verify with any of the secrets, and tell which ones are due for a new one', () => {
    const old = new IdSigner([secrets[1]], '__Host-session').sign(id)
    expect(signer.verify(signer.sign(id))).toEqual({ id, isOutdated: false })
    expect(signer.verify(old)).toEqual({ id, isOutdated: true })
    expect(new IdSigner([secrets[0]], '__Host-session').verify(old)).toBeUndefined()
  })

  test('of another cookie do not count', () => {
    expect(signer.verify(new IdSigner(secrets, 'session').sign(id))).toBeUndefined()
  })

  test('do not verify with any one character changed', () => {
    const signed = signer.sign(id)
    for (let index = 0; index < signed.length; index++) {
      const changed = signed[index] === 'A' ? 'B' : 'A'
      expect(signer.verify(signed.slice(0, index) + changed + signed.slice(index + 1))).toBeUndefined()
    }
  })

  test('have one form only: other characters for the same bytes do not verify', () => {
    const signed = signer.sign(id)
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const alias = digits[digits.indexOf(signed.slice(-1)) ^ 1] ?? ''
    const mac = signed.slice(44)
    expect(Buffer.from(mac.slice(0, -1) + alias, 'base64url')).toEqual(Buffer.from(mac, 'base64url'))
    expect(signer.verify(signed.slice(0, -1) + alias)).toBeUndefined()
  })

  test.each([
    '',
    '.',
    id,
    `${id}.`,
    `.${id}`,
    `${id}.${id}`,
    `${signer.sign(id)}.`,
    `${signer.sign(id)}\n`,
    ` ${signer.sign(id)}`,
    signer.sign(id).slice(0, -1),
    `${signer.sign(id)}=`,
    'é'.repeat(87),
  ])('do not verify in %j', value => {
    expect(signer.verify(value)).toBeUndefined()
  })
})
