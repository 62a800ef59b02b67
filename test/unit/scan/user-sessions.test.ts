import { expect, test } from 'vitest'

import { nativeLayout } from '../../../src/layouts/native.ts'
import { openClient } from '../../../src/store/open-client.ts'
import { ItemTable } from '../../../src/items/item-table.ts'
import { destroyByUser, listByUser } from '../../../src/scan/user-sessions.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'

test('a layout that does not write down whose session it is has no sessions of a user', async () => {
  const transport = new RecordingTransport()
  const native = nativeLayout({})
  const table = new ItemTable(
    openClient({ region: 'eu-west-1', transport }, {}),
    { ...native, name: 'plain', userIndex: undefined },
    {},
  )
  for (const call of [listByUser(table, 'ada').next(), destroyByUser(table, 'ada')]) {
    await expect(call).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_OPTION' })
    await expect(call).rejects.toThrow(/the layout "plain"/)
  }
  expect(transport.requests).toEqual([])
})
