import { randomUUID } from 'node:crypto'

import type { SendOptions } from '../dynamodb/client.ts'
import type { Input } from '../dynamodb/operations.ts'
import { isAwsError, isFailedCondition } from '../dynamodb/aws-error.ts'
import { callerMistake, SessionConflictError } from '../errors.ts'
import { sleep } from '../internal/waiting.ts'
import { allOf, type Condition, type StoredSession } from '../layout/layout.ts'
import type { Item } from '../types.ts'
import { conditionInput, type ItemTable } from './item-table.ts'
import { asRead, type SessionRecord, type Version, versionOf } from './record.ts'
import { newRevision } from './revision.ts'
import { resolveConflict, type Save, saveSession, unwritten } from './save.ts'
import { type Touch, touchSession } from './touch.ts'

const MOST_ATTEMPTS = 10
const FIRST_PAUSE_MS = 10

/**
 * Moves sessions from where they used to be: another layout, another prefix or another table.
 *
 * A session that is not here is read from there; its first save moves it, in one transaction, so that at every moment it
 * is in one place. It works in both directions at the same time: processes that move sessions here and processes that
 * move them there can serve the same visitors, which is what a rolling deployment and its rollback are.
 */
export class Migration {
  readonly #here: ItemTable
  readonly #there: ItemTable

  /**
   * @throws {TypeError} `INVALID_OPTION` when both places are the same.
   */
  constructor(here: ItemTable, there: ItemTable) {
    if (here.name === there.name && here.layout.keyOf('-') === there.layout.keyOf('-')) {
      throw callerMistake(
        'INVALID_OPTION',
        'the option "migrateFrom" names the place where this store keeps sessions itself: the keys are the same; give this ' +
          'store another "prefix" or table',
      )
    }
    this.#here = here
    this.#there = there
  }

  /** The version of a session that is here, or else there; `session` is what was found here. */
  async read(
    id: string,
    session: StoredSession | undefined,
    options: SendOptions,
  ): Promise<Version | undefined> {
    const key = this.#there.layout.keyOf(id)
    if (session !== undefined) return { ...asRead(session), origin: { key, session: undefined } }
    const found = await this.#find(this.#there, key, options)
    if (found === undefined) return undefined
    const adopted = this.#adopt(found, this.#here.layout.keyOf(id))
    return { ...asRead(adopted), origin: { key, session: found } }
  }

  /** Saves a session where it belongs, and moves it when it is not here. */
  async save(here: ItemTable, save: Save, options: SendOptions): Promise<Version | undefined> {
    const { origin } = save.basis
    if (origin === undefined) return saveSession(here, save, options)
    const saved =
      origin.session === undefined
        ? ((await saveSession(here, save, options)) ?? (await this.#saveMovedAway(save, origin.key, options)))
        : await this.#move(save, origin.key, origin.session, options)
    return saved && { ...saved, origin: { key: origin.key, session: undefined } }
  }

  /** Touches a session where it is. */
  async touch(here: ItemTable, touch: Touch, options: SendOptions): Promise<number | undefined> {
    const { version } = touch
    const origin = version?.origin
    if (version === undefined || origin === undefined) return touchSession(here, touch, options)
    const there = origin.session === undefined ? undefined : asRead(origin.session)
    const touchThere: Touch = {
      ...touch,
      key: origin.key,
      version: there,
      touchAfterSeconds: touch.touchAfterSeconds,
    }
    // It may have been moved since it was read.
    const touchMoved = { ...touch, version: undefined }
    return there === undefined
      ? ((await touchSession(here, touch, options)) ?? (await touchSession(this.#there, touchThere, options)))
      : ((await touchSession(this.#there, touchThere, options)) ??
          (await touchSession(here, touchMoved, options)))
  }

  /** Deletes a session there, too. */
  async destroy<Data extends object>(
    target: string | SessionRecord<Data>,
    options: SendOptions,
  ): Promise<void> {
    const key = typeof target === 'string' ? this.#there.layout.keyOf(target) : versionOf(target).origin?.key
    if (key !== undefined) await this.#there.delete(key, options)
  }

  /**
   * Moves a session as it is, when it is not here but there.
   *
   * @returns whether it was there and is here now.
   */
  async bringHere(id: string, session: StoredSession | undefined, options: SendOptions): Promise<boolean> {
    const basis = await this.read(id, session, options)
    const from = basis?.origin?.session
    if (basis?.origin === undefined || from === undefined) return false
    const { session: adopted, seenText, origin } = basis
    const save: Save = {
      basis,
      session: adopted,
      seenText,
      onConflict: 'merge',
      userOf: (_, current) => current,
      random: Math.random,
    }
    return (await this.#move(save, origin.key, from, options)) !== undefined
  }

  /**
   * Moves a session as it is, unless there is one here already, which then is the newer one.
   *
   * @returns what became of it; `'gone'` when it was not there any more.
   */
  async moveOne(id: string, options: SendOptions): Promise<'moved' | 'here' | 'gone'> {
    const here = await this.#find(this.#here, this.#here.layout.keyOf(id), options)
    if (here !== undefined) return 'here'
    return (await this.bringHere(id, undefined, options)) ? 'moved' : 'gone'
  }

  /** Where sessions are moved from. */
  get source(): ItemTable {
    return this.#there
  }

  /** A session that was here when it was read, and has been moved there since. */
  async #saveMovedAway(save: Save, key: string, options: SendOptions): Promise<Version | undefined> {
    const theirs = await this.#find(this.#there, key, options)
    if (theirs === undefined) return undefined
    const { session: basis } = save.basis
    const adopted = this.#adopt(theirs, basis.key)
    const session = await resolveConflict(this.#here, save, {
      basis: basis.text,
      ours: save.session,
      theirs: adopted,
    })
    return this.#move({ ...save, session, basis: asRead(adopted) }, key, theirs, options)
  }

  async #move(
    save: Save,
    key: string,
    from: StoredSession,
    { signal, deadlineAtMs = performance.now() + this.#here.client.deadlineMs }: SendOptions,
  ): Promise<Version | undefined> {
    const here = this.#here
    const options = { signal, deadlineAtMs }
    let [stored, basis, ours] = [from, save.basis.session, save.session]
    for (let attempt = 1; ; attempt++) {
      const item = await here.itemOf({ ...ours, revision: newRevision() })
      if (await this.#swap(item, stored, options)) {
        return { session: here.versionIn(item, ours), seenText: save.session.text, lease: undefined }
      }
      const moved = await this.#find(here, ours.key, options)
      if (moved !== undefined) {
        return saveSession(here, { ...save, session: ours, basis: asRead(basis) }, options)
      }
      const theirs = await this.#find(this.#there, key, options)
      if (theirs === undefined) return undefined
      const pauseMs = save.random() * FIRST_PAUSE_MS * 2 ** attempt
      if (attempt === MOST_ATTEMPTS || performance.now() + pauseMs >= deadlineAtMs) {
        throw new SessionConflictError(
          `others kept on writing the session while it was moved (attempts: ${attempt}); the save was given up`,
          { attempts: attempt },
        )
      }
      await sleep(pauseMs, signal)
      const adopted = this.#adopt(theirs, ours.key)
      ours = await resolveConflict(here, save, { basis: basis.text, ours, theirs: adopted })
      basis = adopted
      stored = theirs
    }
  }

  /** Puts an item here and deletes the one there, both or neither; false when either is not as it is thought to be. */
  async #swap(item: Item, from: StoredSession, options: SendOptions): Promise<boolean> {
    const [here, there] = [this.#here, this.#there]
    const nowMs = here.clock.now()
    const vacant = vacantAt(here, nowMs)
    const unchanged = allOf(there.liveAt(nowMs), unwritten(there.layout, from))
    const input: Input<'TransactWriteItems'> = {
      // What is sent again because its answer was lost is not done again (G11).
      ClientRequestToken: randomUUID(),
      TransactItems: [
        { Put: { TableName: here.name, Item: item, ...conditionInput(vacant) } },
        { Delete: { TableName: there.name, Key: there.itemKey(from.key), ...conditionInput(unchanged) } },
      ],
    }
    try {
      await here.client.send('TransactWriteItems', input, options)
      return true
    } catch (error) {
      if (isAwsError(error, 'TransactionCanceledException')) return false
      if (isAwsError(error, 'UnknownOperationException')) {
        return this.#swapInTwoSteps(item, from, vacant, unchanged, options)
      }
      throw error
    }
  }

  /** For engines without transactions, which are stand-ins for tests. */
  async #swapInTwoSteps(
    item: Item,
    from: StoredSession,
    vacant: Condition,
    unchanged: Condition,
    options: SendOptions,
  ): Promise<boolean> {
    const [here, there] = [this.#here, this.#there]
    const key = here.layout.keyOfItem(item) ?? ''
    if (!(await here.replace(key, item, vacant, options)).happened) return false
    try {
      const Key = there.itemKey(from.key)
      const input = { TableName: there.name, Key, ...conditionInput(unchanged) }
      await there.client.send('DeleteItem', input, options)
      return true
    } catch (error) {
      await here.delete(key, options)
      if (isFailedCondition(error)) return false
      throw error
    }
  }

  async #find(table: ItemTable, key: string, options: SendOptions): Promise<StoredSession | undefined> {
    const item = await table.get(key, true, options)
    if (item === undefined || !table.isLive(item, table.clock.now())) return undefined
    return table.open(item)
  }

  /** A session from there, as it would be here. */
  #adopt(stored: StoredSession, key: string): StoredSession {
    const { data, createdMs, expiresMs } = stored
    const { codec } = this.#here.layout
    const text = codec.encode(data, undefined)
    return {
      key,
      text,
      data: codec.decode(text),
      createdMs,
      expiresMs: Math.min(expiresMs, this.#here.latestExpiryMs(createdMs)),
      revision: undefined,
      version: undefined,
      user: undefined,
    }
  }
}

/** Holds where there is no session: no item, or one that has expired. */
function vacantAt(table: ItemTable, nowMs: number): Condition {
  const expired = table.expiredAt(nowMs)
  return {
    expression: `attribute_not_exists(#vacantKey) OR (${expired.expression})`,
    names: { ...expired.names, '#vacantKey': table.layout.partitionKey },
    values: expired.values,
  }
}
