import { invalidArgument } from '../../errors.ts'
import { textOf } from '../attributes.ts'
import { allOf, type Condition, type Layout, type SessionCodec } from '../layout.ts'
import { documentCodec, documentOfText, textOfDocument } from './document-codec.ts'
import { expiryIn } from './expiry-rule.ts'
import { checkPartitionKey, type ForeignKeys, keyIn, keysWith } from './foreign-layout.ts'

const EXPIRES = '_ttl'

/**
 * The items of Remix and React Router on Architect: the keys of the session are attributes of the item, beside its key and
 * `_ttl` in seconds. Items without `_ttl` never expire.
 *
 * No attribute tells whether others have written the session, so that the last write wins.
 */
export function architectLayout({ partitionKey, prefix }: ForeignKeys): Layout {
  checkPartitionKey(partitionKey, [EXPIRES])
  const expiry = expiryIn([{ name: EXPIRES, unit: 's' }], true)
  const codec = attributeCodec(partitionKey)
  const exists: Condition = {
    expression: 'attribute_exists(#itemKey)',
    names: { '#itemKey': partitionKey },
    values: {},
  }
  return {
    name: 'architect',
    partitionKey,
    codec,
    lock: undefined,
    userIndex: undefined,
    optionalAttributes: [],
    versionAttribute: undefined,
    replacesItems: true,
    prepare: () => undefined,
    keyOf: id => prefix + id,
    idOfKey: key => (key.startsWith(prefix) ? key.slice(prefix.length) : undefined),
    keyOfItem: item => textOf(item[partitionKey]),
    toItem: ({ key, text, expiresMs }) => ({
      ...documentOfText(text),
      ...expiry.attributesOf(expiresMs),
      [partitionKey]: { S: key },
    }),
    expiryOf: item => expiry.expiryOf(item),
    createdOf: () => undefined,
    revisionOf: () => undefined,
    isHusk: () => false,
    fromItem: item => {
      const { [partitionKey]: _key, [EXPIRES]: _expires, ...document } = item
      const text = textOfDocument(document)
      return {
        key: keyIn(item, partitionKey),
        text,
        data: codec.decode(text),
        revision: undefined,
        version: undefined,
        createdMs: undefined,
        expiresMs: expiry.expiryOf(item),
        user: undefined,
      }
    },
    expiryAttributes: expiresMs => expiry.attributesOf(expiresMs),
    liveAt: nowMs => allOf(exists, expiry.liveAt(nowMs)),
    expiredAt: nowMs => expiry.expiredAt(nowMs),
    createdAfter: () => undefined,
    sameSessionAs: () => undefined,
    isSameSession: () => true,
    namespace: () => keysWith(partitionKey, prefix),
  }
}

function attributeCodec(partitionKey: string): SessionCodec {
  const codec = documentCodec(0)
  return {
    ...codec,
    encode: (data, basis) => {
      const text = codec.encode(data, basis)
      const document = documentOfText(text)
      for (const name of [partitionKey, EXPIRES]) {
        if (Object.hasOwn(document, name)) {
          throw invalidArgument(
            'INVALID_SESSION_DATA',
            `the session data have the key "${name}", an attribute that holds something else of a session`,
          )
        }
      }
      return text
    },
  }
}
