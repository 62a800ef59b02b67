import { describe, expect, test } from 'vitest'

import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { PhpObject } from '../../../src/layouts/php/index.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'

const forth: SessionStoreOptions = { migrateFrom: 'php' }
const invalid = { name: 'TypeError', code: 'INVALID_SESSION_DATA' }

/** Variables that PHP can hold, and JSON cannot. */
const variables = {
  'a large integer': 'i:1152921504606846976;',
  'an object': 'O:8:"stdClass":1:{s:1:"a";i:1;}',
  'an object in an array': 'a:1:{i:0;O:8:"stdClass":0:{}}',
  'no number': 'd:NAN;',
  'an infinite number in an array': 'a:1:{i:0;d:-INF;}',
  'an array in an order of its own': 'a:2:{i:10;s:1:"b";i:5;s:1:"a";}',
}

describe.runIf(engine.supports.transactions)('PHP values that have no form here', () => {
  const subject = tableSubject(engine, everyTouch)
  const open = (options: SessionStoreOptions): SessionStore =>
    subject.closeLater(new SessionStore({ ...subject.options, ...options }))
  const started = async (variable: string): Promise<{ readonly id: string; readonly key: string }> => {
    // PHP's handlers drop an underscore at the end.
    const id = newId().replaceAll('_', '-')
    const key = `PHPSESSID_${id}`
    await subject.table.put({
      id: { S: key },
      data: { S: `visits|i:1;odd|${variable}` },
      expires: { N: String(Math.ceil(Date.now() / 1000) + 600) },
    })
    return { id, key }
  }

  describe.each(Object.entries(variables))('%s', (_, variable) => {
    test('is read, and a touch or a save that changes nothing leaves it where it is', async () => {
      const [store, { id, key }] = [open(forth), await started(variable)]
      const data = (await subject.table.item(key))?.['data']
      const basis = await store.read(id)
      if (basis === undefined) throw new Error('the session is not there')
      expect(basis.data['visits']).toBe(1)
      expect(basis.data['odd']).toBeDefined()
      expect(await store.touch(basis)).toBe(true)
      expect(await store.touch(id)).toBe(true)
      expect(await store.write(id, basis.data, { basis, ttlSeconds: 5000 })).toBeDefined()
      expect((await subject.table.item(key))?.['data']).toEqual(data)
      expect(Number((await store.read(id))?.expiresMs)).toBeGreaterThan(Date.now() + 4_000_000)
    })

    test('keeps the session from being saved or locked, which changes nothing', async () => {
      const [store, { id, key }] = [open(forth), await started(variable)]
      const item = await subject.table.item(key)
      const basis = await store.read(id)
      if (basis === undefined) throw new Error('the session is not there')
      basis.data['visits'] = 2
      await expect(store.write(id, basis.data, { basis })).rejects.toMatchObject(invalid)
      await expect(store.write(id, { ...basis.data, more: 1 }, { basis })).rejects.toMatchObject(invalid)
      await expect(store.lock(id)).rejects.toMatchObject(invalid)
      expect(await subject.table.item(key)).toEqual(item)
      await store.destroy(basis)
      expect(await store.read(id)).toBeUndefined()
    })

    test('can be taken out, and the session moves', async () => {
      const [store, { id, key }] = [open(forth), await started(variable)]
      const basis = await store.read(id)
      const saved = await store.write(id, { visits: 1 }, { basis })
      expect(saved?.data).toEqual({ visits: 1 })
      expect(await subject.table.item(key)).toBeUndefined()
      expect((await store.read(id))?.data).toEqual({ visits: 1 })
    })

    test('can be taken out while others save in PHP’s place', async () => {
      const [store, php, { id }] = [open(forth), open({ layout: 'php' }), await started(variable)]
      const basis = await store.read(id)
      const theirs = await php.read(id)
      const { odd: __, ...rest } = { odd: 0, ...theirs?.data }
      await php.write(id, { ...rest, theirs: 1 }, { basis: theirs })
      const saved = await store.write(id, { visits: 1, ours: 1 }, { basis })
      expect(saved?.data).toEqual({ visits: 1, ours: 1, theirs: 1 })
    })

    test('is not lost to a save that has not seen it', async () => {
      const [store, php] = [open(forth), open({ layout: 'php' })]
      const { id: source } = await started(variable)
      const id = newId()
      await php.write(id, { visits: 1 })
      const basis = await store.read(id)
      const theirs = await php.read(id)
      const odd = (await php.read(source))?.data['odd']
      await php.write(id, { ...theirs?.data, odd }, { basis: theirs })
      await expect(store.write(id, { visits: 2 }, { basis })).rejects.toMatchObject(invalid)
      const kept = await php.read(id)
      expect(kept?.data['visits']).toBe(1)
      expect(kept?.data['odd']).toBeDefined()
    })
  })

  test('objects are objects where PHP’s layout is the new one, too', async () => {
    const store = open({ layout: 'php', prefix: 'new:', migrateFrom: { layout: 'php' } })
    const { id, key } = await started(variables['an object'])
    const basis = await store.read(id)
    await store.write(id, { ...basis?.data, visits: 2 }, { basis })
    expect(await subject.table.item(key)).toBeUndefined()
    const moved = await store.read(id)
    expect(moved?.data['visits']).toBe(2)
    expect(moved?.data['odd']).toBeInstanceOf(PhpObject)
  })
})
