import expressSession from 'express-session'
import { expect } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/express.ts'
import { callbackOutcome } from '../../support/callback-outcome.ts'
import { engineCredentials, engineRegion } from '../../support/engines.ts'
import type { SessionData } from '../../support/express-session-data.ts'

/** What must not show in any error. */
export const secrets: readonly string[] = ['some-session-id', 'session-content', 'wJalrXUtnFEMI-no-real-key']

type Done = (error?: unknown, value?: unknown) => void

const [sessionId = '', sessionContent = '', secretAccessKey = ''] = secrets

const methods: Readonly<Record<string, (store: DynamoDBStore, done: Done) => void>> = {
  get: (store, done) => {
    store.get(sessionId, done)
  },
  set: (store, done) => {
    store.set(sessionId, session(), done)
  },
  touch: (store, done) => {
    store.touch(sessionId, session(), done)
  },
  destroy: (store, done) => {
    store.destroy(sessionId, done)
  },
  all: (store, done) => {
    store.all(done)
  },
  length: (store, done) => {
    store.length(done)
  },
  clear: (store, done) => {
    store.clear(done)
  },
  ids: (store, done) => {
    store.ids(done)
  },
}

/** What became of one method of the store, all of them called at the same time. */
export interface MethodOutcome {
  readonly method: string
  readonly calls: number
  readonly asynchronous: boolean
  readonly value: unknown
  readonly error: unknown
  /** `code` of the error, or an empty text. */
  readonly code: string
}

/** What every method has in common when it failed as it should. */
export const failedOnce: readonly Partial<MethodOutcome>[] = Object.keys(methods).map(method => ({
  method,
  calls: 1,
  asynchronous: true,
  value: undefined,
  error: expect.any(Error) as unknown,
}))

/** A store on an endpoint that is at fault. */
export function openStore(options: DynamoDBStoreOptions): DynamoDBStore {
  return new DynamoDBStore({
    region: engineRegion,
    credentials: { ...engineCredentials, secretAccessKey },
    ...options,
  })
}

/** Calls every method of a store at the same time. */
export async function callEveryMethod(store: DynamoDBStore): Promise<MethodOutcome[]> {
  return Promise.all(
    Object.entries(methods).map(async ([method, call]) => {
      const { error, value, calls, asynchronous } = await callbackOutcome<unknown>(done => {
        call(store, done)
      })
      return { method, calls, asynchronous, value, error, code: codeOf(error) }
    }),
  )
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

function session(): SessionData {
  return { cookie: new expressSession.Cookie(), user: sessionContent }
}
