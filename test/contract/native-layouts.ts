import type { Item } from '../../src/types.ts'
import { type ContractLayout, everything, jsonData } from './contract-subject.ts'

/** The package's own layout, in the variants that its options make. */
export const nativeLayouts: readonly ContractLayout[] = [
  {
    name: 'native layout with hashed IDs',
    traits: everything,
    data: jsonData,
    options: {},
    partitionKey: 'id',
    ttlAttribute: 'expires',
    plainIds: false,
    corruptItems,
  },
  {
    name: 'native layout with plain IDs, a prefix, another key and eventually consistent reads',
    traits: everything,
    data: jsonData,
    options: { hashIds: false, prefix: 'sess:', partitionKey: 'session-id', consistentRead: false },
    partitionKey: 'session-id',
    ttlAttribute: 'expires',
    plainIds: true,
    corruptItems,
  },
  {
    name: 'native layout, encrypted',
    traits: everything,
    data: jsonData,
    options: { encryption: { keys: [Buffer.alloc(32, 7)] } },
    partitionKey: 'id',
    ttlAttribute: 'expires',
    plainIds: false,
    corruptItems: expiresMs => ({
      ...corruptItems(expiresMs),
      'a blob of another format': {
        expiresMs: { N: String(expiresMs) },
        data: { B: Buffer.from([9, 1, 2, 3]).toString('base64') },
      },
    }),
  },
]

function corruptItems(expiresMs: number): Readonly<Record<string, Item>> {
  const expiry = {
    expires: { N: String(Math.ceil(expiresMs / 1000)) },
    expiresMs: { N: String(expiresMs) },
  }
  return {
    'data that is not JSON': { ...expiry, data: { S: '{"user":"wine-and-roses' } },
    'data that is no object': { ...expiry, data: { S: '["wine-and-roses"]' } },
    'data that is JSON null': { ...expiry, data: { S: 'null' } },
    'data that is empty': { ...expiry, data: { S: '' } },
    'data of another type': { ...expiry, data: { N: '7' } },
    'no data': expiry,
    'no expiry': { data: { S: '{"user":"wine-and-roses"}' } },
    'an expiry of another type': {
      data: { S: '{"user":"wine-and-roses"}' },
      expires: { S: expiry.expires.N },
    },
  }
}
