import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { type Engine, engine } from '../../support/engines.ts'
import { FaultRig } from '../../support/fault-rig/fault-rig.ts'
import { ArmedPlan } from '../../support/fault-rig/plan.ts'
import { numberText, SessionTable } from '../../support/session-table.ts'
import { variablesFor } from '../served-app.ts'
import { Client, eventSources } from './http-events.ts'
import { functionsReady, Sandbox, taskRoot } from './sandbox.ts'

const node = await functionsReady()

const DAY_MS = 86_400_000
const FROZEN_MS = 1500

/** Where random values are in an item. */
const NONCE_AT = 10
const NONCE_BYTES = 12
const BIRTH_RANDOM_LENGTH = 8

/** What may send events to each function. */
const functions: Readonly<Record<string, readonly string[]>> = {
  events: Object.keys(eventSources),
  hono: Object.keys(eventSources),
  // What serverless-http returns to a load balancer without multi-value headers has no cookies.
  express: Object.keys(eventSources).filter(source => source !== 'load balancer'),
  fastify: Object.keys(eventSources),
  streaming: ['function URL'],
  unmodified: ['HTTP API, payload 2.0'],
}

let table: SessionTable
let sandboxes: Sandbox[] = []

beforeEach(async () => {
  table = await SessionTable.create(engine)
})

afterEach(async () => {
  await Promise.all(sandboxes.map(sandbox => sandbox.kill()))
  sandboxes = []
})

async function start(
  name: string,
  at: Pick<Engine, 'endpoint'> = engine,
  more: Readonly<Record<string, string>> = {},
): Promise<Sandbox> {
  const sandbox = await Sandbox.start(node ?? '', name, {
    ...variablesFor({ ...engine, ...at }, table.name),
    DYNAMODB_SESSIONS_TABLE: table.name,
    DYNAMODB_SESSIONS_SECRETS: 'a-long-random-text',
    SESSION_SECRET: 'a random text of at least 32 characters',
    ...(name === 'unmodified' && {
      NODE_OPTIONS: `--require ${join(taskRoot, 'node_modules/dynamodb-sessions/register')}`,
    }),
    ...more,
  })
  sandboxes.push(sandbox)
  return sandbox
}

async function visits(sandbox: Sandbox, client: Client, path = '/'): Promise<unknown> {
  const { result } = await sandbox.visit(client, path)
  return JSON.parse(result.body ?? '')
}

describe.runIf(node !== undefined && process.platform !== 'win32')(
  'functions under the runtime client',
  () => {
    describe.each(Object.keys(functions))('%s', name => {
      it('knows a visitor again, whoever sends the events, in another sandbox, and after the first is gone', async () => {
        const [one, other] = await Promise.all([start(name), start(name)])
        const clients = functions[name]?.map(source => new Client(eventSources[source])) ?? []
        for (const client of clients) {
          expect(await visits(one, client)).toEqual({ visits: 1 })
          expect(await visits(other, client)).toEqual({ visits: 2 })
        }
        await one.kill()
        for (const client of clients) expect(await visits(other, client)).toEqual({ visits: 3 })
        expect(await table.items()).toHaveLength(clients.length)
        expect(other.output).toBe('')
      })
    })

    it('streams with the cookie in front', async () => {
      const sandbox = await start('streaming')
      const { result, isStream } = await sandbox.visit(new Client())
      expect(isStream).toBe(true)
      expect(result).toMatchObject({ statusCode: 200, body: '{"visits":1}' })
      expect(result.cookies).toEqual([expect.stringMatching(/^__Host-session=/)])
    })

    it.each(['close', 'reset', 'black-hole'] as const)(
      'goes on after a freeze in which its connections have ended: %s',
      async breakage => {
        const rig = await FaultRig.start({
          engine: engine.endpoint,
          plan: new ArmedPlan(),
          certificates: undefined,
        })
        try {
          const sandbox = await start('express', { endpoint: rig.url })
          const client = new Client()
          expect(await visits(sandbox, client)).toEqual({ visits: 1 })
          await sandbox.freeze()
          // Nothing is under way when the response is out: the session is complete.
          expect(await table.items()).toHaveLength(1)
          rig.breakConnections(breakage)
          await delay(FROZEN_MS)
          const other = await start('express')
          expect(await visits(other, client)).toEqual({ visits: 2 })
          const thawedMs = Date.now()
          sandbox.thaw()
          expect(await visits(sandbox, client)).toEqual({ visits: 3 })
          const [item] = await table.items()
          const expiresMs = Number(numberText(item, 'expiresMs'))
          expect(expiresMs).toBeGreaterThanOrEqual(thawedMs + DAY_MS)
          expect(expiresMs).toBeLessThanOrEqual(Date.now() + DAY_MS)
          expect(sandbox.output).toBe('')
        } finally {
          await rig.close()
        }
      },
    )

    it('leaves no lock when it is frozen, when it has failed, and for longer than a lease when it is killed', async () => {
      const [one, other] = await Promise.all([start('locking'), start('locking')])
      const client = new Client()
      expect(await visits(one, client)).toEqual({ visits: 1 })
      await one.freeze()
      expect(await visits(other, client)).toEqual({ visits: 2 })
      one.thaw()
      await expect(one.visit(client, '/fail')).rejects.toThrow('RangeError: no such page')
      expect(await visits(other, client)).toEqual({ visits: 3 })
      const hanging = one.visit(client, '/hang')
      hanging.catch(() => undefined)
      await one.untilLogged('hanging')
      await one.kill()
      expect(await visits(other, client)).toEqual({ visits: 4 })
      expect(other.output).toBe('')
    })

    it.each([
      { initialization: 'snap-start', distinct: 2 },
      { initialization: 'on-demand', distinct: 1 },
    ])(
      'draws nothing twice in copies of one process, whose generators have the same state ($initialization)',
      async ({ initialization, distinct }) => {
        const drawn = await Promise.all(
          [1, 2].map(async () => {
            const ownTable = await SessionTable.create(engine)
            const copy = await start('locking', engine, {
              AWS_LAMBDA_INITIALIZATION_TYPE: initialization,
              NODE_OPTIONS: `--require ${join(taskRoot, 'same-state.cjs')}`,
              DYNAMODB_SESSIONS_TABLE: ownTable.name,
              DYNAMODB_SESSIONS_ENCRYPTION: 'a-passphrase-that-is-long-enough',
            })
            const client = new Client()
            expect(await visits(copy, client)).toEqual({ visits: 1 })
            copy.visit(client, '/hang').catch(() => undefined)
            await copy.untilLogged('hanging')
            const [item] = await ownTable.items()
            const text = (name: string): string => Object.values(item?.[name] ?? {}).join('')
            const blob = Buffer.from(text('data'), 'base64')
            const nonce = blob.subarray(NONCE_AT, NONCE_AT + NONCE_BYTES).toString('hex')
            const birth = text('birth').slice(-BIRTH_RANDOM_LENGTH)
            return [text('id'), text('rev'), birth, text('lockOwner'), nonce]
          }),
        )
        for (const [index, value] of drawn[0]?.entries() ?? []) {
          expect(value).toMatch(/^[\w-]{8,}$/)
          expect(new Set([value, drawn[1]?.[index]]).size).toBe(distinct)
        }
      },
    )
  },
)
