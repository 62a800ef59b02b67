import { isDeepStrictEqual } from 'node:util'

import { describe, expect, test } from 'vitest'

import { type PhpSerializer, phpSessionCodec } from '../../../src/layouts/php/session-format.ts'
import { hasPhp, latin1, phpSessionAgain, phpSessions, type SessionChange } from './php-peer.ts'

const SERIALIZERS: readonly PhpSerializer[] = ['php', 'php_serialize', 'php_binary']

describe.skipIf(!hasPhp).each(SERIALIZERS)('sessions of a real PHP with %s', serializer => {
  const codec = phpSessionCodec({ serializer })

  test('2,000 that JavaScript can hold are written as PHP wrote them', () => {
    for (const bytes of phpSessions(serializer, { seed: 11, count: 2000, plain: true })) {
      const data = codec.decode(bytes)
      const isNothing = bytes.length === 0 && serializer === 'php_serialize'
      expect(latin1(codec.encode(data))).toBe(isNothing ? 'a:0:{}' : latin1(bytes))
      expect(latin1(codec.encode(data, bytes))).toBe(latin1(bytes))
    }
  })

  test('2,000 with objects and references are written as PHP wrote them', () => {
    for (const bytes of phpSessions(serializer, { seed: 12, count: 2000, plain: false, ownFormat: true })) {
      expect(latin1(codec.encode(codec.decode(bytes), bytes))).toBe(latin1(bytes))
    }
  })

  test('taking a variable away and adding one gives what PHP gives', () => {
    const changes: SessionChange[] = []
    const written: Uint8Array[] = []
    for (const bytes of phpSessions(serializer, { seed: 13, count: 2000, plain: false })) {
      const data = codec.decode(bytes)
      const [first] = Object.keys(data)
      changes.push({
        bytes,
        unset: first === undefined ? [] : [first],
        set: { added: { by: 'node', n: [1] } },
      })
      if (first !== undefined) Reflect.deleteProperty(data, first)
      data['added'] = { by: 'node', n: [1] }
      written.push(codec.encode(data, bytes))
    }
    const differences = differencesFromPhp(serializer, changes, written)
    expect(differences.read).toEqual([])
    expect(differences.written / written.length).toBeLessThan(0.1)
  })

  test('changing a variable leaves every other one what it was to PHP', () => {
    const before: SessionChange[] = []
    const after: SessionChange[] = []
    const changed: (string | undefined)[] = []
    for (const [index, bytes] of phpSessions(serializer, { seed: 14, count: 2000, plain: false }).entries()) {
      const data = codec.decode(bytes)
      const names = Object.keys(data)
      const name = names[index % Math.max(1, names.length)]
      if (name !== undefined) {
        const value = data[name]
        const replaced = Array.isArray(value) ? [...(value as unknown[]), 'more'] : { replaced: value }
        Object.defineProperty(data, name, { value: replaced, enumerable: true })
      }
      changed.push(name)
      before.push({ bytes })
      after.push({ bytes: codec.encode(data, bytes) })
    }
    const wasRead = phpSessionAgain(serializer, before)
    const isRead = phpSessionAgain(serializer, after)
    let compared = 0
    for (const [index, name] of changed.entries()) {
      expect(isRead[index]).toBeDefined()
      const old = wasRead[index]?.variables ?? []
      const now = isRead[index]?.variables ?? []
      expect(now.map(variable => variable.name)).toEqual(old.map(variable => variable.name))
      for (const [place, variable] of old.entries()) {
        if (variable.name === name) continue
        expect(now[place]?.value).toBe(variable.value)
        // The changed variable is one of its own now; others that had the same names still do.
        const names = old.filter(other => other.sameAs === variable.sameAs && other.name !== name)
        const isShared = variable.sameAs !== '' && names.length > 1
        // A variable without names among its like may have one inside another variable.
        expect(isShared ? [names[0]?.name] : ['', variable.name]).toContain(now[place]?.sameAs)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(1000)
  })

  test('objects with a format of their own are written right, or not at all', () => {
    const changes: SessionChange[] = []
    const written: Uint8Array[] = []
    const refusals: unknown[] = []
    for (const bytes of phpSessions(serializer, { seed: 15, count: 2000, plain: false, ownFormat: true })) {
      const data = codec.decode(bytes)
      const [first] = Object.keys(data)
      if (first === undefined) continue
      Reflect.deleteProperty(data, first)
      const result = attempt(() => codec.encode(data, bytes))
      if (result instanceof Uint8Array) {
        changes.push({ bytes, unset: [first] })
        written.push(result)
      } else {
        refusals.push(result)
      }
    }
    expect(differencesFromPhp(serializer, changes, written).read).toEqual([])
    expect(written.length).toBeGreaterThan(1000)
    expect(refusals.length).toBeGreaterThan(0)
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'INVALID_SESSION_DATA' })
  })

  test('sessions that JavaScript makes are read by PHP and written the same', () => {
    const sessions = [
      {},
      { user: { id: 7, name: 'é😀', tags: ['a', 'b'], since: new Date(0) }, n: 1.5 },
      { cart: { 10: 1, 5: 2 }, empty: [], also: {} },
      JSON.parse('{"__proto__":{"admin":true},"constructor":1,"!x":null}'),
    ].map(data => codec.encode(data as Record<string, unknown>))
    const again = phpSessionAgain(
      serializer,
      sessions.map(bytes => ({ bytes })),
    )
    expect(again.map(answer => latin1(answer?.bytes ?? Uint8Array.of(0)))).toEqual(sessions.map(latin1))
  })
})

/**
 * What PHP has in memory after the changes has to be what it reads in what was written. What it writes itself is the
 * same but for references that have lost all but one of their names, which PHP takes for references to the object.
 */
function differencesFromPhp(
  serializer: PhpSerializer,
  changes: readonly SessionChange[],
  written: readonly Uint8Array[],
): { readonly read: readonly string[]; readonly written: number } {
  const byPhp = phpSessionAgain(serializer, changes)
  const byUs = phpSessionAgain(
    serializer,
    written.map(bytes => ({ bytes })),
  )
  const read = written.filter(
    (_, index) => !isDeepStrictEqual(byUs[index]?.variables, byPhp[index]?.variables),
  )
  const others = written.filter((bytes, index) => {
    return latin1(bytes) !== latin1(byPhp[index]?.bytes ?? Uint8Array.of(0))
  })
  return { read: read.map(latin1), written: others.length }
}

function attempt(action: () => Uint8Array): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
