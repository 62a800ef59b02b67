import { afterAll, describe, expect, test } from 'vitest'

import {
  bulkRows,
  callRows,
  garbageCollectionRows,
  listRows,
  lockRows,
  touchRows,
} from '../../../src/options/call-options.ts'
import { entryRows } from '../../../src/options/entry-options.ts'
import {
  failoverRegionRows,
  failoverRows,
  hedgedReadsRows,
} from '../../../src/options/availability-options.ts'
import { keyValuesRows } from '../../../src/options/key-value-options.ts'
import { lockingRows } from '../../../src/options/locking-options.ts'
import type { OptionRow } from '../../../src/internal/option.ts'
import { preloadRows } from '../../../src/options/preload-options.ts'
import { storeRows } from '../../../src/options/store-options.ts'
import { replicaRows } from '../../../src/table/replicas.ts'
import { tableSpecs } from '../../../src/table/table-options.ts'
import { firstSentence, literal, OptionDocs } from '../../../tools/option-docs.ts'

const rows: Readonly<Record<string, Readonly<Record<string, OptionRow>>>> = {
  StoreOptions: storeRows,
  ConnectionOptions: storeRows,
  LayoutOptions: storeRows,
  PhpLayoutOptions: storeRows,
  LaravelLayoutOptions: storeRows,
  ConnectDynamoDBLayoutOptions: storeRows,
  LockingOptions: lockingRows,
  FailoverOptions: failoverRows,
  FailoverRegion: failoverRegionRows,
  HedgedReadsOptions: hedgedReadsRows,
  EncryptionOptions: storeRows.encryption.members ?? {},
  CompressionOptions: storeRows.compression.members ?? {},
  MigrationSource: storeRows.migrateFrom.members ?? {},
  KeyValuesOptions: keyValuesRows,
  DynamoDBDriverOptions: entryRows,
  WebSessionSettings: entryRows,
  EmptySessions: entryRows,
  TableOptions: tableSpecs,
  ReplicaOptions: replicaRows,
  CreateTableOptions: { ...tableSpecs, ...entryRows },
  PreloadOptions: preloadRows,
  CallOptions: callRows,
  BulkOptions: bulkRows,
  ListOptions: listRows,
  ExpiryOptions: touchRows,
  LockOptions: lockRows,
  GarbageCollectionOptions: garbageCollectionRows,
}

const docs = new OptionDocs(rows)

afterAll(() => {
  docs.close()
})

// What is derived from the rows and their TSDoc is in the repository, too. `npm run docs:options` brings it up to date.
describe('what is derived from options is up to date', () => {
  test('in the tables of the documentation', async () => {
    const pages = await docs.pages()
    expect(pages.map(([file]) => file)).toContain('README.md')
    for (const [file, page] of pages) await expect(page).toMatchFileSnapshot(`../../../${file}`)
  })

  test('in the JSON Schema', async () => {
    const schema = await docs.schema('StoreOptions', 'Options of a SessionStore of dynamodb-sessions')
    await expect(schema).toMatchFileSnapshot('../../../schema/options.schema.json')
  })
})

/** Names that an entry takes besides those of its rows, and rows that only their entry has. */
const withoutRow = new Set(['cookie', 'isFailure', 'ttl', 'driver', 'billing', 'onWarning'])

describe.each(Object.keys(rows))('%s', name => {
  const options = docs.optionsOf(name)

  test('describes each of its options in a sentence', () => {
    expect(options).not.toEqual([])
    const lengths = options.map(({ name: option, text }) => [option, firstSentence(text).length] as const)
    expect(lengths.filter(([, length]) => length === 0 || length > 260)).toEqual([])
  })

  test('has a row for each, with the default that its TSDoc has', () => {
    const missing = options.filter(option => option.row === undefined).map(option => option.name)
    expect(missing.filter(option => !withoutRow.has(option))).toEqual([])
    const withDefault = options.filter(({ row }) => row?.default !== undefined)
    expect(withDefault.filter(({ row, default: text }) => !text.includes(literal(row?.default)))).toEqual([])
  })
})

test('every row has its TSDoc', () => {
  const described = Object.keys(rows).flatMap(name => docs.optionsOf(name).map(option => option.name))
  for (const each of Object.values(rows)) expect(described).toEqual(expect.arrayContaining(Object.keys(each)))
})
