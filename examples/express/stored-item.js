/** The item of a session as DynamoDB has it, read from the table. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionStore } from 'dynamodb-sessions'
import { fetchTransport } from 'dynamodb-sessions/transport'

/**
 * @typedef {object} StoredItem
 * @property {readonly StoredAttribute[]} attributes
 * @property {string} data the session data, indented for reading
 * @property {string} sessionIdStart the first characters of the session ID: enough to compare, too few to use
 *
 * @typedef {object} StoredAttribute
 * @property {string} name
 * @property {string} type as DynamoDB calls it: `S`, `N`, `B`
 * @property {string} value as DynamoDB's JSON has it: binary values in Base64
 */

/** Reads items. It has a store of its own, whose responses it sees on their way. */
export class ItemReader {
  /**
   * @readonly
   * @type {AsyncLocalStorage<{ body: unknown }>}
   */
  #reads = new AsyncLocalStorage()
  /** @readonly */
  #store

  /** @param {string} table */
  constructor(table) {
    const transport = fetchTransport({
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        const read = this.#reads.getStore()
        if (read !== undefined) read.body = await response.clone().json()
        return response
      },
    })
    this.#store = new SessionStore({ table, transport })
  }

  /**
   * @param {string} sessionId
   * @returns {Promise<StoredItem | undefined>} undefined when there is no such session
   */
  async read(sessionId) {
    /** @type {{ body: unknown }} */
    const read = { body: undefined }
    const record = await this.#reads.run(read, () => this.#store.read(sessionId))
    if (record === undefined) return undefined
    const { Item: item = {} } =
      /** @type {{ Item?: Readonly<Record<string, Readonly<Record<string, unknown>>>> }} */ (read.body)
    return {
      attributes: Object.entries(item).map(([name, typed]) => attributeOf(name, typed)),
      data: JSON.stringify(record.data, undefined, 2),
      sessionIdStart: sessionId.slice(0, 4),
    }
  }

  /** @returns {Promise<void>} */
  close() {
    return this.#store.close()
  }
}

/**
 * @param {string} name
 * @param {Readonly<Record<string, unknown>>} typed a value as `{ S: 'text' }`
 * @returns {StoredAttribute}
 */
function attributeOf(name, typed) {
  const [[type, value] = ['', '']] = Object.entries(typed)
  return { name, type, value: typeof value === 'string' ? value : JSON.stringify(value) }
}
