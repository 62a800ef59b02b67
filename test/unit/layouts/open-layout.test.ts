import { afterEach, expect, test, vi } from 'vitest'

import { PayloadCodec } from '../../../src/encryption/payload-codec.ts'
import { lazyPayloadCodec } from '../../../src/encryption/lazy-payload-codec.ts'
import { openLayout } from '../../../src/layouts/open-layout.ts'
import { sessionIn } from './foreign/stored-session.ts'

const prepare = vi.spyOn(PayloadCodec.prototype, 'prepare')
const encryption = { keys: ['a passphrase, from which a key has to be derived'] }
const text = '{"user":"ada"}'

afterEach(() => {
  prepare.mockClear()
})

test('a lazy codec is ready when it is there, and there is one for all', async () => {
  const load = lazyPayloadCodec({ encryption })
  expect(prepare).not.toHaveBeenCalled()
  const [codec, again] = await Promise.all([load(), load()])
  expect(again).toBe(codec)
  expect(prepare).toHaveBeenCalled()
  expect(codec.decode(codec.encode(text, 'key'), 'key')).toBe(text)
})

test('a layout with encryption prepares its keys before the first item, and once', async () => {
  const layout = await openLayout({ encryption })
  expect(prepare).not.toHaveBeenCalled()
  await layout.prepareToWrite(text)
  expect(prepare).toHaveBeenCalledOnce()
  const item = layout.toItem(sessionIn(layout, 'an-id', { user: 'ada' }, 1_936_000_000_000))
  expect(item['data']).toHaveProperty('B')
  expect(layout.fromItem(item)?.data).toEqual({ user: 'ada' })
  expect(layout.prepareToWrite(text)).toBeUndefined()
})

test('a layout without encryption loads what decodes for encoded items alone', async () => {
  const layout = await openLayout({})
  expect(layout.prepareToWrite(text)).toBeUndefined()
  expect(layout.prepareToRead({ data: { S: text } })).toBeUndefined()
  await layout.prepareToRead({ data: { B: 'AQGrVkpOLCxRsopWSiwoyElV0iFAxtcGAgA=' } })
  expect(prepare).toHaveBeenCalledOnce()
})
