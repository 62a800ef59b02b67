import { binaryOf, numberOf, textOf } from '../../layouts/attributes.ts'
import type { Item } from '../../types.ts'

/** Software whose items can be told by their attributes. */
export type ItemWriter =
  | 'dynamodb-sessions'
  | 'connect-dynamodb'
  | '@pwrdrvr/dynamodb-session-store'
  | 'dynamodb-store'
  | 'connect-dynamodb-session'
  | 'serverless-dynamodb-session-store'
  | 'koa-session-dynamodb'
  | 'AdonisJS'
  | 'Remix or React Router (architect)'
  | 'the AWS SDK for PHP'
  | 'the AWS SDK for Ruby'
  | 'Laravel'
  | 'flask-session'
  | 'a touch of a session that was gone'
  | 'other software'

/** How software of a layout is called here. */
export const WRITERS: Readonly<Partial<Record<string, ItemWriter>>> = {
  native: 'dynamodb-sessions',
  php: 'the AWS SDK for PHP',
  'connect-dynamodb': 'connect-dynamodb',
  'dynamodb-store': 'dynamodb-store',
  'connect-dynamodb-session': 'connect-dynamodb-session',
  pwrdrvr: '@pwrdrvr/dynamodb-session-store',
  'serverless-dynamodb-session-store': 'serverless-dynamodb-session-store',
  'koa-session-dynamodb': 'koa-session-dynamodb',
  adonis: 'AdonisJS',
  architect: 'Remix or React Router (architect)',
  'aws-ruby': 'the AWS SDK for Ruby',
  laravel: 'Laravel',
}

interface Signature {
  readonly writer: ItemWriter
  readonly matches: (item: Item) => boolean
}

/** The first that matches counts: the more an item has to have, the earlier it comes. */
const SIGNATURES: readonly Signature[] = [
  {
    writer: 'dynamodb-sessions',
    matches: item => isTextOrBytes(item['data']) && isNumber(item['expiresMs']),
  },
  {
    writer: 'serverless-dynamodb-session-store',
    matches: item => isText(item['session_data']) && 'expireTime' in item,
  },
  {
    writer: 'Laravel',
    matches: item => /^s:\d+:"/.test(textOf(item['value']) ?? '') && isNumber(item['expires_at']),
  },
  { writer: 'AdonisJS', matches: item => isText(item['value']) && isNumber(item['expires_at']) },
  {
    writer: 'the AWS SDK for Ruby',
    matches: item => isText(item['session_id']) && isNumber(item['expire_at']),
  },
  {
    writer: 'flask-session',
    matches: item => binaryOf(item['val']) !== undefined && isNumber(item['expiration']),
  },
  { writer: 'Remix or React Router (architect)', matches: item => isText(item['_idx']) && '_ttl' in item },
  { writer: 'koa-session-dynamodb', matches: item => isText(item['sessionId']) && isMap(item['session']) },
  { writer: 'dynamodb-store', matches: item => isText(item['sessionId']) && isMap(item['sess']) },
  {
    writer: '@pwrdrvr/dynamodb-session-store',
    matches: item => textOf(item['id'])?.startsWith('session#') === true && 'sess' in item,
  },
  {
    writer: 'connect-dynamodb-session',
    matches: item => isText(item['content']) && isNumber(item['expires']),
  },
  { writer: 'connect-dynamodb', matches: item => isText(item['sess']) && isNumber(item['expires']) },
  {
    writer: 'the AWS SDK for PHP',
    matches: item => isTextOrBytes(item['data']) && isNumber(item['expires']),
  },
  { writer: 'a touch of a session that was gone', matches: isHusk },
]

/** Which software wrote an item, as far as its attributes tell. */
export function writerOf(item: Item): ItemWriter {
  return SIGNATURES.find(({ matches }) => matches(item))?.writer ?? 'other software'
}

/** Nothing but a key and an expiry: some stores leave that behind when they touch a session that is gone. */
function isHusk(item: Item): boolean {
  const names = Object.keys(item)
  return names.length === 2 && isNumber(item['expires'])
}

function isText(value: unknown): boolean {
  return textOf(value) !== undefined
}

function isNumber(value: unknown): boolean {
  return numberOf(value) !== undefined
}

function isTextOrBytes(value: unknown): boolean {
  return isText(value) || binaryOf(value) !== undefined
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'M' in value
}
