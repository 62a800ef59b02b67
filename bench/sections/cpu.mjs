import { loadContenders, loadPackages, named } from '../contenders/all.mjs'
import { itemSizes } from '../lib/fixture.mjs'
import { otherNodes } from '../lib/plan.mjs'
import { requestFile } from '../lib/recorded-requests.mjs'

/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Point} Point */
/** @typedef {import('../types.d.ts').RunOptions} RunOptions */

/** The point that the plot and the summary show. @type {Point} */
export const basePoint = {
  protocol: 'https',
  host: '127.0.0.1',
  inFlight: 32,
  itemBytes: 512,
  operation: 'get',
}

const everyone = loadContenders.map(({ name }) => name)
const near = ['floor', 'limit', 'ours-client', 'ours-store', 'ours-express', 'undici', 'undici-store', 'sdk']

/** How each row differs from the first. @type {readonly (Partial<Point> & { node?: string, contenders?: string[] })[]} */
const rows = [
  {},
  { inFlight: 1 },
  { inFlight: 256 },
  { inFlight: 1024, contenders: near },
  { itemBytes: 102, contenders: near },
  { itemBytes: 4096 },
  { itemBytes: 65_536 },
  { itemBytes: 399_360, contenders: near },
  { operation: 'set' },
  { operation: 'set', inFlight: 1, contenders: near },
  { operation: 'set', itemBytes: 102, contenders: near },
  { operation: 'set', itemBytes: 4096 },
  { operation: 'set', itemBytes: 65_536 },
  { operation: 'set', itemBytes: 399_360, contenders: near },
  { operation: 'touch' },
  { host: 'localhost', contenders: near },
  { host: 'localhost', inFlight: 1, contenders: near },
  { protocol: 'http' },
  { protocol: 'http', inFlight: 1, contenders: near },
  ...otherNodes.flatMap(node => [
    { node, contenders: near },
    { node, operation: /** @type {const} */ ('set'), contenders: near },
  ]),
]

/** @type {import('../types.d.ts').Section<Point>} */
export const cpuSection = {
  name: 'cpu',
  title: 'CPU per operation',
  intro:
    'CPU time of the client process per operation, all its threads, user and system. The limit is the work of a store written by hand, on bare sockets: what is above it are layers, checks and care.',
  contenders: loadContenders,
  metrics: [
    { field: 'cpuMicros', label: 'CPU µs/op', isCompared: true },
    { field: 'systemMicros', label: 'of it system' },
    { field: 'operationsPerSecond', label: 'op/s', moreIsBetter: true },
    { field: 'p50Micros', label: 'p50 µs', isCompared: true },
    { field: 'p99Micros', label: 'p99 µs', isCompared: true },
    { field: 'rssMegabytes', label: 'RSS MB', isCompared: true },
  ],
  references: ['floor', 'ours-express'],
  subjects: ['ours-express'],
  packages: loadPackages,
  plot: {
    title: 'CPU per operation',
    subtitle: `Client process only; ${describePoint(basePoint)}. Less is better.`,
    rows: 1,
    unit: ' µs',
  },
  open: async context => ({
    rows: rowsOf(context).map(({ node, contenders = everyone, ...differing }, index) => {
      const axes = { ...basePoint, ...differing }
      const rounds = index === 0 ? context.plan.baseRounds : context.plan.rounds
      return { title: describePoint(axes), axes, contenders, rounds, node }
    }),
    measure: async ({ axes, node }, contender) => runLoad(context, 'load.mjs', axes, contender, { node }),
  }),
}

/**
 * Puts one contender under load.
 *
 * @param {Context} context
 * @param {string} script
 * @param {Point} point
 * @param {string} name
 * @param {RunOptions} options
 */
export async function runLoad(context, script, point, name, options) {
  const contender = named(loadContenders, name)
  const { warmUpCpuMs, warmUpOperations, measureCpuMs } = context.plan
  const url = context.url(point, contender.layout)
  const file = requestFile(point.operation, point.itemBytes)
  const job = { ...point, contender, url, requestFile: file, warmUpCpuMs, warmUpOperations, measureCpuMs }
  return context.run(script, job, options)
}

/** @param {Context} context @returns {typeof rows} */
function rowsOf({ plan }) {
  if (!plan.matrix) return rows.filter(row => isWithin(row, plan.extent))
  const protocols = /** @type {const} */ (['https', 'http'])
  const operations = /** @type {const} */ (['get', 'set', 'touch'])
  const all = protocols.flatMap(protocol =>
    [1, 32, 256, 1024].flatMap(inFlight =>
      itemSizes.flatMap(itemBytes =>
        operations.map(operation => ({ protocol, inFlight, itemBytes, operation })),
      ),
    ),
  )
  return [{}, ...all.filter(point => describePoint({ ...basePoint, ...point }) !== describePoint(basePoint))]
}

/**
 * @param {typeof rows[number]} row
 * @param {import('../types.d.ts').Plan['extent']} extent
 */
function isWithin({ inFlight = 32, itemBytes = 512, host, protocol, node }, extent) {
  if (extent === 'all') return true
  if (inFlight > 32 || node !== undefined) return false
  return extent === 'quick'
    ? itemBytes === 512
    : (itemBytes === 512 || itemBytes === 65_536) && host === undefined && protocol === undefined
}

/** @param {Point} point */
export function describePoint({ protocol, host, inFlight, itemBytes, operation }) {
  const size = itemBytes < 512 ? '0.1' : String(itemBytes / 1024)
  const place = host === 'localhost' ? ', by name' : ''
  return `${operation}, ${size} KB, ${inFlight} in flight, ${protocol === 'https' ? 'TLS' : 'HTTP'}${place}`
}
