/**
 * Name of the property by which a session carries what it was loaded as. `@fastify/session` makes another object of what
 * it gets from a store and copies properties, but only those whose names are texts.
 */
export const LOADED_AS = '$dynamodb-sessions'

/** Stands for one reading of a session. It holds nothing, and `JSON.stringify` leaves it out. */
export class LoadedSession {
  /** Makes `JSON.stringify` leave the property out. */
  toJSON(): undefined {
    return undefined
  }
}
