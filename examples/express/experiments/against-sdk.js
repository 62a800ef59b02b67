/** An experiment that measures this package beside the AWS SDK, where that is installed. */
import { randomUUID } from 'node:crypto'
import { openStore } from './step.js'

const WARM_UP = 50
const ROUNDS = 5
const READS_PER_ROUND = 200

/** @type {import('./step.js').Experiment} */
export const againstSdk = {
  id: 'against-sdk',
  title: 'The same reads by the AWS SDK',
  question: `Both read one session ${READS_PER_ROUND} times in each of ${ROUNDS} rounds, one after the other, in this process. How much CPU does a read cost?`,
  lanes: ['dynamodb-sessions', 'AWS SDK v3'],
  async *run(table) {
    const sdk = await loadSdk()
    const store = openStore(table)
    const id = randomUUID()
    try {
      const { key } = await store.write(id, { user: 'Ada', cart: { tea: 1, coffee: 2 } })
      const readers = [async () => store.read(id), ...(sdk === undefined ? [] : [sdkReader(sdk, table, key)])]
      for (const read of readers) await repeat(WARM_UP, read)
      /** @type {number[][]} */
      const rounds = readers.map(() => [])
      for (let round = 1; round <= ROUNDS; round++) {
        for (const [lane, read] of readers.entries()) {
          const tookMs = await cpuPerReadMs(read)
          rounds[lane]?.push(tookMs)
          yield { lane, what: `round ${round}: CPU for one read`, tookMs }
        }
      }
      const [ours = 0, theirs] = rounds.map(median)
      yield theirs === undefined
        ? {
            lane: 1,
            what: 'is not installed. To see it here: npm install --no-save @aws-sdk/client-dynamodb, and restart.',
          }
        : {
            lane: 0,
            what: `needs ${Math.round((100 * ours) / theirs)} % of the SDK’s CPU (medians)`,
            tone: ours < theirs ? 'good' : 'bad',
          }
    } finally {
      await store.destroy(id)
      await store.close()
    }
  },
}

/**
 * The parts of the SDK that this needs, which is no dependency of this package.
 *
 * @typedef {object} Sdk
 * @property {new (config: object) => { send(command: object): Promise<unknown> }} DynamoDBClient
 * @property {new (input: object) => object} GetItemCommand
 *
 * @returns {Promise<Sdk | undefined>}
 */
async function loadSdk() {
  // A name in a variable, because type checks would want the package otherwise.
  const name = '@aws-sdk/client-dynamodb'
  try {
    return /** @type {Sdk} */ (await import(name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/**
 * @param {Sdk} sdk
 * @param {string} table
 * @param {string} key
 * @returns {() => Promise<unknown>}
 */
function sdkReader({ DynamoDBClient, GetItemCommand }, table, key) {
  const client = new DynamoDBClient({})
  return () =>
    client.send(new GetItemCommand({ TableName: table, Key: { id: { S: key } }, ConsistentRead: true }))
}

/**
 * @param {number} times
 * @param {() => Promise<unknown>} work
 */
async function repeat(times, work) {
  for (let time = 0; time < times; time++) await work()
}

/**
 * @param {() => Promise<unknown>} read
 * @returns {Promise<number>}
 */
async function cpuPerReadMs(read) {
  const before = process.cpuUsage()
  await repeat(READS_PER_ROUND, read)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / READS_PER_ROUND
}

/**
 * @param {readonly number[]} numbers
 * @returns {number}
 */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}
