import type { Item } from '../../../src/types.ts'
import type { SessionTable } from '../../support/session-table.ts'

/** A session as the native layout stores it; `undefined` leaves an attribute out. */
export function sessionItem(
  key: string,
  expiresMs: number,
  changes: Readonly<Record<string, Item[string]>> = {},
): Item {
  return {
    id: { S: key },
    data: { S: `{"of":"${key}"}` },
    expires: { N: String(Math.ceil(expiresMs / 1000)) },
    expiresMs: { N: String(expiresMs) },
    rev: { S: 'first' },
    created: { N: String(Math.floor(expiresMs / 1000) - 3600) },
    ...changes,
  }
}

const BATCH_SIZE = 25
const BATCHES_AT_ONCE = 4

/** Stores many items, a batch at a time. */
export async function putAll(table: SessionTable, items: readonly Item[]): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const batch = items.slice(next, next + BATCH_SIZE)
      next += BATCH_SIZE
      const puts = batch.map(item => ({ PutRequest: { Item: item } }))
      const answer = await table.send('BatchWriteItem', { RequestItems: { [table.name]: puts } })
      if (JSON.stringify(answer['UnprocessedItems'] ?? {}) !== '{}') throw new Error('not all was stored')
    }
  }
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work))
}

/** The partition keys of everything in a table, in order. */
export async function keysIn(table: SessionTable): Promise<string[]> {
  const items = await table.items()
  return items.map(({ id }) => (id !== undefined && 'S' in id ? id.S : '')).sort()
}
