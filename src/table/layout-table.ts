import { LARGEST_SECONDS, numberOf } from '../layouts/attributes.ts'
import type { Layout } from '../layouts/layout.ts'
import type { UserIndex } from '../layouts/user-index.ts'
import type { LayoutOptions } from '../options/layout-options.ts'
import { openLayout } from '../layouts/open-layout.ts'

/** The options that decide what a layout asks of its table. */
export type LayoutTableOptions = Pick<
  LayoutOptions,
  'layout' | 'partitionKey' | 'dataAttribute' | 'ttlAttribute'
>

/** What a layout asks of the table that its items are in. */
export interface LayoutTable {
  /** Name of the layout. */
  readonly layout: string
  /** The partition key, an attribute of type S. */
  readonly partitionKey: string
  /** The attribute with the expiry in seconds; `undefined` in layouts without one: time to live cannot act there. */
  readonly ttlAttribute: string | undefined
  /** `undefined` in layouts that do not write down whose session it is. */
  readonly userIndex: UserIndex | undefined
}

/** A moment that is far from the largest number of seconds, in seconds as well as in milliseconds. */
const SOME_EXPIRY_MS = 2e12

/**
 * What the layout that the options name asks of its table.
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export async function openLayoutTable(options: LayoutTableOptions): Promise<LayoutTable> {
  return layoutTableOf(await openLayout(options))
}

/** What a layout asks of its table. */
export function layoutTableOf(layout: Layout): LayoutTable {
  const { name, partitionKey, userIndex } = layout
  const expiry = Object.entries(layout.expiryAttributes(SOME_EXPIRY_MS))
  const ttl = expiry.find(([, value]) => (numberOf(value) ?? Infinity) <= LARGEST_SECONDS)
  return { layout: name, partitionKey, ttlAttribute: ttl?.[0], userIndex }
}
