import type { Layout, StoredSession } from '../../../../src/layouts/layout.ts'

/** A session as a store hands it to a layout. */
export function sessionIn(layout: Layout, id: string, data: object, expiresMs: number): StoredSession {
  const text = layout.codec.encode(data, undefined)
  return {
    key: layout.keyOf(id),
    data: layout.codec.decode(text),
    text,
    revision: 'a-revision',
    version: undefined,
    createdMs: 1_936_000_000_000,
    expiresMs,
    user: undefined,
  }
}
