import { type Arbitrary, type AsyncCommand, constant, constantFrom, nat, tuple } from 'fast-check'

import type { Fate } from './gate.ts'
import type { Call } from './interleaving-actor.ts'
import { LEASE_SECONDS } from './interleaving-knowledge.ts'
import { ACTORS, type World } from './interleaving-world.ts'

/** One step of an interleaving. The world is its own model: what can be done next depends on what has happened. */
export type Step = AsyncCommand<World, World>

/** An actor begins a call. */
class Begin implements Step {
  readonly actor: number
  readonly call: Call

  constructor(actor: number, call: Call) {
    this.actor = actor
    this.call = call
  }

  check(world: World): boolean {
    return world.actors[this.actor]?.can(this.call) === true
  }

  async run(world: World): Promise<void> {
    await world.start(String(this), () => world.actors[this.actor]?.begin(this.call))
  }

  toString(): string {
    return `${this.actor} ${this.call}`
  }
}

/** An actor makes a call, and nothing comes between its requests. */
class Complete extends Begin {
  override async run(world: World): Promise<void> {
    const actor = world.actors[this.actor]
    if (actor !== undefined) await world.complete(actor, this.call)
  }

  override toString(): string {
    return `${super.toString()} at once`
  }
}

/** A lease runs out, and an actor takes the lock. */
class Overtake extends Complete {
  constructor(actor: number) {
    super(actor, 'lock')
  }

  override check(world: World): boolean {
    return super.check(world) && world.actors.some(({ holdsLock }) => holdsLock)
  }

  override async run(world: World): Promise<void> {
    await world.advance(LEASE_SECONDS * 1000 + 100)
    await super.run(world)
  }

  override toString(): string {
    return `${super.toString()}, too late`
  }
}

/** Renewals of locks are answered. */
class Background implements Step {
  check(world: World): boolean {
    return world.gate.waiting.some(({ sender }) => sender === undefined)
  }

  async run(world: World): Promise<void> {
    await world.answerAll(undefined)
  }

  toString(): string {
    return 'background'
  }
}

/** A request passes, or is lost. */
class Pass implements Step {
  readonly #which: number
  readonly #fate: Fate

  constructor(which: number, fate: Fate) {
    this.#which = which
    this.#fate = fate
  }

  check(world: World): boolean {
    return world.gate.waiting.length > 0
  }

  async run(world: World): Promise<void> {
    await world.pass(this.#which % world.gate.waiting.length, this.#fate)
  }

  toString(): string {
    return `pass ${this.#which} ${this.#fate}`
  }
}

/** Time passes. */
class Advance implements Step {
  readonly #ms: number

  constructor(ms: number) {
    this.#ms = ms
  }

  check(): boolean {
    return true
  }

  async run(world: World): Promise<void> {
    await world.advance(this.#ms)
  }

  toString(): string {
    return `wait ${this.#ms}`
  }
}

/** Everything that can be done with a session. */
export const everything: readonly Arbitrary<Step>[] = [
  begin('read', 'lock'),
  begin('write'),
  begin('write', 'save unchanged', 'touch', 'touch record'),
  begin('lock', 'release', 'read', 'write'),
  completeOf([0, 1, 2, 3], 'read', 'lock', 'write'),
  begin('read', 'write', 'touch', 'lock', 'release', 'read', 'write', 'destroy'),
  pass('answer'),
  pass('answer'),
  pass('answer'),
  pass('answer'),
  pass('answer', 'drop', 'lose', 'delay'),
  advance(5, 50, 500),
  advance(5, 50, 100, 500, 2000, 5100, 3_700_000),
]

/** Two who lock, each with a store of its own, and locks that often run out. */
export const mostlyLocks: readonly Arbitrary<Step>[] = [
  beginOf([0, 2], 'lock', 'lock', 'write', 'release'),
  beginOf([0, 2], 'write'),
  completeOf([0, 2], 'lock'),
  completeOf([0, 2], 'write', 'write', 'release'),
  overtake(0),
  overtake(2),
  constant(new Background()),
  pass('answer'),
  pass('answer', 'drop', 'lose', 'delay'),
  advance(5, 50, 500, 2000, 5100),
]

/** Many answers that are lost, and some who mind conflicts. */
export const mostlyLosses: readonly Arbitrary<Step>[] = [
  beginOf([0, 3], 'read', 'lock'),
  completeOf([0, 3], 'read', 'write'),
  beginOf([0, 3], 'write'),
  beginOf([0, 3], 'write', 'touch record', 'read', 'lock', 'release'),
  pass('answer'),
  pass('answer', 'drop'),
  pass('answer', 'drop', 'delay'),
  advance(50),
]

function begin(...calls: readonly Call[]): Arbitrary<Step> {
  return beginOf([...Array.from({ length: ACTORS }).keys()], ...calls)
}

function beginOf(actors: readonly number[], ...calls: readonly Call[]): Arbitrary<Step> {
  return tuple(constantFrom(...actors), constantFrom(...calls)).map(([index, call]) => new Begin(index, call))
}

function completeOf(actors: readonly number[], ...calls: readonly Call[]): Arbitrary<Step> {
  return tuple(constantFrom(...actors), constantFrom(...calls)).map(
    ([index, call]) => new Complete(index, call),
  )
}

function overtake(actor: number): Arbitrary<Step> {
  return constant(new Overtake(actor))
}

function pass(...fates: readonly Fate[]): Arbitrary<Step> {
  return tuple(nat(3), constantFrom(...fates)).map(([which, fate]) => new Pass(which, fate))
}

function advance(...ms: readonly number[]): Arbitrary<Step> {
  return constantFrom(...ms).map(each => new Advance(each))
}
