/** What a session can be: nothing, or what one write made of it. */
export type SessionState = 'absent' | PresentSession

/** A session that exists. */
export interface PresentSession {
  /** Number of the write that it is from. */
  readonly counter: number
  readonly expiresMs: number
  /** Number of the write that created it. */
  readonly incarnation: number
}

/** How a call ended, as far as the caller knows: it happened, its condition did not hold, or nobody can say. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

type Match = 'yes' | 'no' | 'maybe'

/**
 * What may be stored of one session, given everything that its only user has been told.
 *
 * A call that was acknowledged has happened; one that failed may have happened or not, so that both states are possible
 * from then on, until a later answer shows which one it was. An answer that no possible state allows is a violation.
 */
export class SessionModel {
  #states: readonly SessionState[] = ['absent']
  readonly #violations: string[] = []

  /** The states that are possible now. */
  get states(): readonly SessionState[] {
    return this.#states
  }

  /** Answers that cannot be. */
  get violations(): readonly string[] {
    return this.#violations
  }

  /** A write that creates or replaces the session. */
  created(next: PresentSession, outcome: Outcome): void {
    this.#apply(
      'create',
      outcome,
      () => 'yes',
      () => next,
    )
  }

  /** A write on the basis of `basis`: it needs the same incarnation of the session to be there. */
  saved(next: PresentSession, basis: PresentSession, outcome: Outcome): void {
    this.#apply(
      'save',
      outcome,
      state => sameSession(state, basis),
      () => next,
    )
  }

  /** A touch by ID, or by the record `basis`. */
  touched(expiresMs: number, basis: PresentSession | undefined, outcome: Outcome): void {
    this.#apply(
      'touch',
      outcome,
      state => (basis === undefined ? presence(state) : sameSession(state, basis)),
      state => (state === 'absent' ? state : { ...state, expiresMs }),
    )
  }

  /** A deletion. */
  destroyed(outcome: Outcome): void {
    this.#apply(
      'destroy',
      outcome,
      () => 'yes',
      () => 'absent',
    )
  }

  /**
   * What a read has found.
   *
   * @returns the state that it shows, or `undefined` when that is impossible.
   */
  found(seen: Pick<PresentSession, 'counter' | 'expiresMs'> | 'absent'): SessionState | undefined {
    const possible = this.#states.filter(state =>
      state === 'absent' || seen === 'absent'
        ? state === seen
        : state.counter === seen.counter && state.expiresMs === seen.expiresMs,
    )
    if (possible.length === 0) this.violated(`read found ${describe(seen)}`)
    else this.#states = possible
    return possible[0]
  }

  /** Notes something that must not happen. */
  violated(what: string): void {
    this.#violations.push(`${what}; possible: ${this.#states.map(describe).join(', ')}`)
  }

  #apply(
    operation: string,
    outcome: Outcome,
    match: (state: SessionState) => Match,
    change: (state: SessionState) => SessionState,
  ): void {
    const affected = this.#states.filter(state => match(state) !== 'no').map(change)
    const unaffected = this.#states.filter(state => match(state) !== 'yes')
    const next = { acknowledged: affected, refused: unaffected, unknown: [...this.#states, ...affected] }[
      outcome
    ]
    if (next.length === 0) this.violated(`${operation} was ${outcome}`)
    else this.#states = distinct(next)
  }
}

function presence(state: SessionState): Match {
  return state === 'absent' ? 'no' : 'yes'
}

/** The store tells incarnations apart by the second in which they were created. */
function sameSession(state: SessionState, basis: PresentSession): Match {
  if (state === 'absent') return 'no'
  return state.incarnation === basis.incarnation ? 'yes' : 'maybe'
}

function distinct(states: readonly SessionState[]): readonly SessionState[] {
  return [...new Map(states.map(state => [describe(state), state])).values()]
}

function describe(state: SessionState | Pick<PresentSession, 'counter' | 'expiresMs'>): string {
  return state === 'absent' ? 'absent' : JSON.stringify(state)
}
