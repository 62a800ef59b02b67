import { setImmediate as nextTurn } from 'node:timers/promises'

import { vi } from 'vitest'

import { SessionStore } from '../../src/store/session-store.ts'
import type { Item } from '../../src/types.ts'
import { numberText, type SessionTable } from '../support/session-table.ts'
import type { Content } from './concurrency-subject.ts'
import { type Fate, Gate } from './gate.ts'
import { Actor, type Call, currentActor } from './interleaving-actor.ts'
import { Knowledge, TTL_SECONDS } from './interleaving-knowledge.ts'

/** Number of actors in a {@link World}. */
export const ACTORS = 4

const TURNS_TO_SETTLE = 4
const DEADLINE_MS = 600_000

/**
 * One session on an engine, four actors that use it, two of them through the same store, and everything that is known
 * about what they were told. Time stands still but for {@link advance}; requests wait at a gate.
 */
export class World {
  readonly gate: Gate = new Gate()
  readonly actors: readonly Actor[]
  readonly #known = new Knowledge()
  readonly #table: SessionTable
  readonly #stores: readonly SessionStore<Content>[]

  private constructor(table: SessionTable) {
    this.#table = table
    const open = (onConflict: 'merge' | 'reject'): SessionStore<Content> =>
      new SessionStore<Content>({
        ...table.options,
        hashIds: false,
        ttlSeconds: TTL_SECONDS,
        touchAfterSeconds: 0,
        onConflict,
        transport: this.gate.transport(currentActor),
        // Requests may be held up for long.
        attemptTimeoutMs: DEADLINE_MS,
        deadlineMs: DEADLINE_MS,
      })
    const [shared, other, rejecting] = [open('merge'), open('merge'), open('reject')]
    this.#stores = [shared, other, rejecting]
    const actors: Actor[] = []
    for (const store of [shared, shared, other, rejecting]) actors.push(new Actor(this.#known, actors, store))
    this.actors = actors
  }

  /** What was done and what was found, when something was found that must not be; else nothing. */
  get report(): string {
    const { violations, history } = this.#known
    return violations.length === 0 ? '' : history.join('\n')
  }

  /** Creates the session, and the actors who know nothing of it yet. */
  static async create(table: SessionTable): Promise<World> {
    const world = new World(table)
    const [store] = world.#stores
    if (store === undefined) throw new Error('there is no store')
    const keys = world.actors.map((_, index) => [`key${index}`, 0] as const)
    const { expiresMs } = await store.write(world.#known.id, { n: 0, ...Object.fromEntries(keys) })
    // What a store does at its first call alone takes turns of its own.
    for (const each of world.#stores) await (await each.lock(world.#known.id))?.release()
    world.gate.close()
    world.#known.earliestExpiryMs = world.#known.latestExpiryMs = expiresMs
    await world.#look()
    return world
  }

  /** Lets a request pass, and everybody react to that. */
  async pass(index: number, fate: Fate): Promise<void> {
    const { operation, sender } = this.gate.waiting[index] ?? {}
    this.#known.history.push(`${fate}: ${operation} of ${sender?.name ?? 'nobody'}`)
    if (fate === 'delay') this.#known.hasDelayedRequests = true
    if (fate !== 'answer') sender?.disturbed()
    await this.gate.pass(index, fate, () => this.#look())
    await this.#settle()
  }

  /** Starts something, and lets it come to its first request. */
  async start(what: string, work: () => void): Promise<void> {
    this.#known.history.push(what)
    work()
    await this.#settle()
  }

  /** An actor makes a call, and is answered until that is over or has to wait. */
  async complete(actor: Actor, call: Call): Promise<void> {
    await this.start(`${actor.name} ${call} at once`, () => actor.begin(call))
    await this.answerAll(actor)
  }

  /** Answers everything that an actor asks for, or what happens in the background, as far as that does not wait. */
  async answerAll(actor: Actor | undefined): Promise<void> {
    for (;;) {
      const index = this.gate.waiting.findIndex(({ sender }) => sender === actor)
      if (index === -1) return
      await this.pass(index, 'answer')
    }
  }

  /** Lets time pass. */
  async advance(ms: number): Promise<void> {
    const { history } = this.#known
    const waited = /^\+(?<ms>\d+) ms$/.exec(history.at(-1) ?? '')?.groups?.['ms']
    if (waited !== undefined) history.pop()
    history.push(`+${Number(waited ?? 0) + ms} ms`)
    await vi.advanceTimersByTimeAsync(ms)
    await this.#settle()
  }

  /** Lets everything come to its end, and checks what is left. */
  async finish(): Promise<void> {
    while (this.actors.some(actor => actor.isBusy)) {
      if (this.gate.waiting.length > 0) await this.pass(0, 'answer')
      else await this.advance(50)
    }
    await this.gate.open()
    await this.#checkEnd()
    // What is under way in the background may be waiting for its next attempt.
    const state = { isClosed: false }
    const closing = Promise.all(this.#stores.map(store => store.close())).finally(() => {
      state.isClosed = true
    })
    while (!state.isClosed) await this.advance(50)
    await closing
    await this.gate.end()
  }

  async #checkEnd(): Promise<void> {
    const item = await this.#table.item(this.#known.id)
    if (item === undefined) {
      if (!this.#known.destroyStarted) this.#known.violated('the session is gone, and nobody destroyed it')
      return
    }
    if (this.#known.destroyAcknowledged)
      this.#known.violated('G3: the session is there after it was destroyed')
    const content = contentOf(item)
    for (const actor of this.actors) actor.checkOwnKey('at the end', content, actor.acknowledged)
    if (new Set(this.#known.counted).size !== this.#known.counted.length) {
      this.#known.violated(`G10: increments were lost: ${this.#known.counted.join(', ')}`)
    }
    const n = Number(content['n'])
    const [least, most] = [
      this.#known.counted.length,
      this.#known.counted.length + this.#known.uncertainCounts,
    ]
    if (n < least || n > most) this.#known.violated(`G10: n is ${n} after ${least} to ${most} increments`)
  }

  async #look(): Promise<void> {
    const item = await this.#table.item(this.#known.id)
    const owner = textOf(item, 'lockOwner')
    const lockedUntilMs = Number(numberText(item, 'lock') ?? 0)
    const lock =
      owner === undefined ? 'not locked' : `locked by ${owner} for ${lockedUntilMs - Date.now()} ms`
    this.#known.history.push(item === undefined ? '  there is nothing' : `  ${textOf(item, 'rev')}, ${lock}`)
    this.#known.snapshots.push({
      revision: textOf(item, 'rev'),
      lockOwner: owner,
      lockedUntilMs,
    })
  }

  /** Everything that can go on without a request or a timer does. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await nextTurn()
  }
}

function contentOf(item: Item): Content {
  return JSON.parse(textOf(item, 'data') ?? '{}') as Content
}

function textOf(item: Item | undefined, attribute: string): string | undefined {
  const value = item?.[attribute]
  return value !== undefined && 'S' in value ? value.S : undefined
}
