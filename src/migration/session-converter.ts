import { invalidSessionData } from '../errors.ts'
import { codeOf, isObject } from '../internal/core-objects.ts'
import { randomText } from '../internal/random.ts'
import type { SessionCodec, StoredSession } from '../layouts/layout.ts'
import { isMarked } from '../layouts/php/values.ts'
import type { SessionData } from '../types.ts'
import type { ItemTable } from '../items/item-table.ts'
import { isUnchanged } from '../items/merge.ts'
import type { SessionSnapshot } from '../items/session-record.ts'

/**
 * What sessions of the source are in the terms of the target's layout.
 *
 * That layout may have nothing for some of the values: PHP's objects and large integers as JSON, for example. Such a session
 * can be read and touched all the same; only to move it is an error, until the application has taken those values out.
 */
export class SessionConverter {
  readonly #target: ItemTable
  readonly #source: ItemTable
  /** A key that no session has: in the text of one, it stands for the values that were left out. */
  readonly #leftOut = `left-out-${randomText(16)}`

  constructor(target: ItemTable, source: ItemTable) {
    this.#target = target
    this.#source = source
  }

  /**
   * A session of the source, as it would be in the target. Where that cannot carry all of it, the data are what they are there, and
   * the text can be compared and merged with, but not stored: see {@link assertConvertible}.
   */
  convert(stored: StoredSession, key: string): StoredSession {
    const { data, birth, createdMs, expiresMs } = stored
    return {
      ...(this.#converted(data) ?? { data, text: this.#textOfConvertible(data) }),
      key,
      birth,
      createdMs,
      expiresMs: Math.min(expiresMs, this.#target.latestExpiryMs(createdMs)),
      revision: undefined,
      version: undefined,
      user: undefined,
    }
  }

  /**
   * The text of what is to be saved over a version.
   *
   * @throws {TypeError} `INVALID_SESSION_DATA` for what the layout of the target cannot carry, unless nothing has changed: then
   *   nothing has to be written.
   */
  encode({ session, origin }: SessionSnapshot, data: unknown): string {
    const { codec } = this.#target.layout
    if (origin?.session === undefined || this.#isConvertible(session)) return codec.encode(data, session.text)
    if (this.#isUnchangedInSource(data, origin.session)) return session.text
    const { text } = this.#converted(data) ?? {}
    if (text === undefined) throw this.#notConvertible()
    return text
  }

  /** @throws {TypeError} `INVALID_SESSION_DATA` for a session that the layout of the target cannot carry. */
  assertConvertible(session: Pick<StoredSession, 'text'>): void {
    if (!this.#isConvertible(session)) throw this.#notConvertible()
  }

  #isConvertible({ text }: Pick<StoredSession, 'text'>): boolean {
    return !text.includes(this.#leftOut)
  }

  #isUnchangedInSource(data: unknown, stored: StoredSession): boolean {
    const { codec } = this.#source.layout
    const text = unlessRefused(() => codec.encode(data, stored.text))
    if (text === undefined || text === stored.text) return text !== undefined
    return isUnchanged(codec.decodeExactly(text), codec.decodeExactly(stored.text), (left, right) =>
      codec.isSame(left, right),
    )
  }

  /** Session data as text, and as they are read from that; `undefined` when they are not the same. */
  #converted(data: unknown): { readonly text: string; readonly data: SessionData } | undefined {
    const { codec } = this.#target.layout
    const text = unlessRefused(() => codec.encode(data, undefined))
    if (text === undefined) return undefined
    const decoded = codec.decode(text)
    // What has a class in the source is written as a description of it where the class is not known.
    const isLost = mayBeLost(data) && !isSameTo(this.#source.layout.codec, data, decoded)
    return isLost ? undefined : { text, data: decoded }
  }

  #textOfConvertible(data: SessionData): string {
    const convertible = Object.entries(data).filter(([key, value]) => {
      return this.#converted(Object.fromEntries([[key, value]])) !== undefined
    })
    const { codec } = this.#target.layout
    return codec.encode(Object.fromEntries([...convertible, [this.#leftOut, true]]), undefined)
  }

  #notConvertible(): TypeError {
    const [from, to] = [this.#source.layout.name, this.#target.layout.name]
    return invalidSessionData(
      `the session cannot be moved: in the layout "${from}" it holds values that the layout "${to}" has nothing for, such ` +
        'as large integers or objects of PHP; it was left as it is; take them out of the session',
    )
  }
}

/** What a codec makes of data; `undefined` for data that it refuses. */
function unlessRefused<Made>(make: () => Made): Made | undefined {
  try {
    return make()
  } catch (error) {
    if (codeOf(error) === 'INVALID_SESSION_DATA') return undefined
    throw error
  }
}

function isSameTo(codec: SessionCodec, left: unknown, right: unknown): boolean {
  return unlessRefused(() => codec.isSame(left, right)) === true
}

/** Whether there is something in data that a codec may write as something else: PHP's classes, and what is no finite number. */
function mayBeLost(data: unknown): boolean {
  const values: unknown[] = [data]
  // Not by calling itself: deep data would overflow the stack.
  while (values.length > 0) {
    const value = values.pop()
    if (typeof value === 'number' && !Number.isFinite(value)) return true
    if (!isObject(value)) continue
    if (isMarked(value)) return true
    for (const member of Object.values(value)) values.push(member)
  }
  return false
}
