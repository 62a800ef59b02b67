import type { Item } from '../../src/types.ts'
import { type ContractLayout, everything, jsonData, type LayoutTraits } from './contract-subject.ts'

const jsonTraits: LayoutTraits = {
  ...everything,
  beginnings: false,
  locks: false,
  absoluteTimeout: false,
  exactExpiry: false,
}

const { loneSurrogate: _, ...wellFormedData } = jsonData

/** DynamoDB has no empty keys, and no half surrogate pairs. */
const documentData = { ...wellFormedData, nested: { list: [{ deep: [true, false] }, []], empty: {} } }

/** Layouts of other software that keep the session as text. */
export const textLayouts: readonly ContractLayout[] = [
  {
    name: 'layout connect-dynamodb',
    traits: jsonTraits,
    options: { layout: 'connect-dynamodb' },
    partitionKey: 'id',
    ttlAttribute: 'expires',
    plainIds: true,
    data: jsonData,
    corruptItems: expiresMs => withoutExpiry(corruptTexts('sess', 'expires', inSeconds)(expiresMs)),
  },
  {
    name: 'layout connect-dynamodb-session',
    traits: { ...jsonTraits, exactExpiry: true, ttlInSeconds: false },
    options: { layout: 'connect-dynamodb-session' },
    partitionKey: 'id',
    ttlAttribute: 'expires',
    plainIds: true,
    data: jsonData,
    corruptItems: corruptTexts('content', 'expires', String),
  },
  {
    name: 'layout aws-ruby',
    traits: { ...jsonTraits, beginnings: true },
    options: { layout: 'aws-ruby' },
    partitionKey: 'session_id',
    ttlAttribute: 'expire_at',
    plainIds: true,
    data: jsonData,
    corruptItems: expiresMs => ({
      ...corruptTexts('data', 'expire_at', inSeconds)(expiresMs),
      "data in Ruby's Marshal format": {
        expire_at: { N: inSeconds(expiresMs) },
        data: { S: 'BAh7BkkiCXVzZXIGOgZFVEkiE3dpbmUtYW5kLXJvc2VzBjsAVA==\n' },
      },
    }),
  },
  {
    name: 'layout serverless-dynamodb-session-store',
    traits: { ...jsonTraits, exactExpiry: true },
    options: { layout: 'serverless-dynamodb-session-store' },
    partitionKey: 'sessionId',
    ttlAttribute: 'expireTime_TTL',
    plainIds: true,
    data: jsonData,
    corruptItems: expiresMs => withoutExpiry(corruptTexts('session_data', 'expireTime', String)(expiresMs)),
  },
  {
    name: 'layout laravel',
    traits: { ...jsonTraits, jsonData: false, anyId: false },
    options: { layout: 'laravel' },
    partitionKey: 'key',
    ttlAttribute: 'expires_at',
    plainIds: true,
    data: { ...wellFormedData, nested: { list: [{ deep: [true, false] }, []], '': 'empty name' } },
    corruptItems: expiresMs => {
      const expires = { expires_at: { N: inSeconds(expiresMs) } }
      return {
        'data that are not serialised': { ...expires, value: { S: '{"user":"wine-and-roses"}' } },
        'data that are no session': { ...expires, value: { S: 's:14:"wine-and-roses";' } },
        'data of another type': { ...expires, value: { N: '7' } },
        'no expiry': { value: { S: 's:6:"a:0:{}";' } },
      }
    },
  },
]

/** The layout of PHP. */
export const phpLayouts: readonly ContractLayout[] = [
  {
    name: 'layout php',
    traits: { ...jsonTraits, locks: true, jsonData: false },
    options: { layout: 'php' },
    partitionKey: 'id',
    ttlAttribute: 'expires',
    plainIds: true,
    partInKey: id => id.replaceAll(/^_+|_+$/g, ''),
    // An empty PHP array may be either.
    data: { ...wellFormedData, nested: { list: [{ deep: [true, false] }, []], '': 'empty name' } },
    corruptItems: corruptPhp,
  },
]

/** Layouts of other software that keep the session as a DynamoDB document. */
export const documentLayouts: readonly ContractLayout[] = [
  {
    name: 'layout dynamodb-store',
    traits: jsonTraits,
    options: { layout: 'dynamodb-store' },
    partitionKey: 'sessionId',
    ttlAttribute: 'expires',
    plainIds: true,
    data: documentData,
    corruptItems: corruptTexts('sess', 'expires', inSeconds),
  },
  {
    name: 'layout architect',
    traits: { ...jsonTraits, noticesOthers: false, updatesItems: false },
    options: { layout: 'architect' },
    partitionKey: '_idx',
    ttlAttribute: '_ttl',
    plainIds: true,
    data: documentData,
    // Every item with the key is a session.
    corruptItems: () => ({}),
  },
]

function inSeconds(ms: number): string {
  return String(Math.ceil(ms / 1000))
}

function corruptTexts(
  data: string,
  expires: string,
  toText: (ms: number) => string,
): (expiresMs: number) => Readonly<Record<string, Item>> {
  return expiresMs => {
    const expiry = { [expires]: { N: toText(expiresMs) } }
    return {
      'data that are not JSON': { ...expiry, [data]: { S: '{"user":"wine-and-roses' } },
      'data that are no object': { ...expiry, [data]: { S: '["wine-and-roses"]' } },
      'data that are JSON null': { ...expiry, [data]: { S: 'null' } },
      'data that are empty': { ...expiry, [data]: { S: '' } },
      'data of another type': { ...expiry, [data]: { N: '7' } },
      'no expiry': { [data]: { S: '{"user":"wine-and-roses"}' } },
      'an expiry of another type': {
        [data]: { S: '{"user":"wine-and-roses"}' },
        [expires]: { S: toText(expiresMs) },
      },
    }
  }
}

function withoutExpiry(items: Readonly<Record<string, Item>>): Readonly<Record<string, Item>> {
  return Object.fromEntries(Object.entries(items).filter(([name]) => !name.includes('expiry')))
}

function corruptPhp(expiresMs: number): Readonly<Record<string, Item>> {
  const expires = { N: inSeconds(expiresMs) }
  return {
    'data that are cut short': { expires, data: { S: 'user|s:14:"wine-and-r' } },
    'data of another serializer': { expires, data: { S: 'a:1:{s:4:"user";s:14:"wine-and-roses";}' } },
    'data of another type': { expires, data: { N: '7' } },
    'no expiry': { data: { S: 'user|s:14:"wine-and-roses";' } },
  }
}
