/** An experiment about a Region that is gone for a while. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore, pause } from './step.js'

const HOME = 'us-east-1'
const OTHER = 'us-west-2'

const RETURN_AFTER_SECONDS = 1
const READS = 4
const RETURN_POLL_MS = 100
const RETURN_PATIENCE_MS = 20_000

/** @type {import('./step.js').Experiment} */
export const lostRegion = {
  id: 'lost-region',
  title: 'A Region goes away',
  question: `Two relays in front of the database stand for ${HOME} and ${OTHER}, which share a global table. The first goes down with all its connections, and comes back. What do the visitors see?`,
  lanes: [HOME, OTHER, 'The visitors'],
  async *run(table) {
    const database = process.env['AWS_ENDPOINT_URL_DYNAMODB']
    if (database === undefined || !database.startsWith('http:')) {
      yield {
        lane: 2,
        what: 'This one needs a local DynamoDB, as `npm start` has it: a relay cannot stand for AWS.',
      }
      return
    }
    const home = new Relay(new URL(database))
    const other = new Relay(new URL(database))
    await Promise.all([home.up(), other.up()])
    const store = openStore(table, {
      region: HOME,
      endpoint: home.url,
      failover: {
        regions: [{ region: OTHER, endpoint: other.url }],
        returnAfterSeconds: RETURN_AFTER_SECONDS,
      },
    })
    const id = randomUUID()
    const visitor = new Visitor(() => store.read(id), other)
    try {
      await store.write(id, { user: 'Ada' })
      yield await visitor.read()
      await pause()
      await home.down()
      yield { lane: 0, what: 'goes down', tone: 'bad' }
      for (let read = 0; read < READS; read++) {
        yield await visitor.read()
        await pause()
      }
      await home.up()
      yield {
        lane: 0,
        what: `is back; calls return to it after ${RETURN_AFTER_SECONDS} to ${2 * RETURN_AFTER_SECONDS} seconds and some good probes`,
      }
      const giveUpAt = Date.now() + RETURN_PATIENCE_MS
      let step = await visitor.read()
      while (step.lane !== 0 && Date.now() < giveUpAt) {
        await delay(RETURN_POLL_MS)
        step = await visitor.read()
      }
      yield step
      const { failures } = visitor
      yield {
        lane: 2,
        what: `saw ${failures} ${failures === 1 ? 'error' : 'errors'} in ${visitor.reads} reads`,
        tone: failures === 0 ? 'good' : 'bad',
      }
    } finally {
      await store.destroy(id)
      await store.close()
      await Promise.all([home.down(), other.down()])
    }
  },
}

/** Reads one session, and knows which Region the response came from. */
class Visitor {
  reads = 0
  failures = 0
  /** @readonly */
  #read
  /** @readonly */
  #other

  /**
   * @param {() => Promise<unknown>} read
   * @param {Relay} other
   */
  constructor(read, other) {
    this.#read = read
    this.#other = other
  }

  /** @returns {Promise<import('./step.js').Step>} */
  async read() {
    this.reads++
    const passedBefore = this.#other.passed
    const startedAt = performance.now()
    try {
      await this.#read()
    } catch {
      this.failures++
      return { lane: 2, what: 'get an error', tone: 'bad', tookMs: performance.now() - startedAt }
    }
    const lane = this.#other.passed > passedBefore ? 1 : 0
    return { lane, what: 'responds to a read', tone: 'good', tookMs: performance.now() - startedAt }
  }
}

/** Passes connections on to the database, while it is up. Its port stays the same. */
class Relay {
  /** How many pieces of responses have passed. */
  passed = 0
  /** @readonly */
  #database
  #port = 0
  /** @type {import('node:net').Server | undefined} */
  #server
  /**
   * @readonly
   * @type {Set<import('node:net').Socket>}
   */
  #sockets = new Set()

  /** @param {URL} database */
  constructor(database) {
    this.#database = database
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`
  }

  async up() {
    const server = createServer(incoming => {
      const outgoing = connect({ host: this.#database.hostname, port: Number(this.#database.port || 80) })
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          incoming.destroy()
          outgoing.destroy()
        })
      }
      outgoing.on('data', () => {
        this.passed++
      })
      incoming.pipe(outgoing).pipe(incoming)
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
    this.#server = server
  }

  async down() {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
