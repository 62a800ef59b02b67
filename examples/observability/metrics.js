// @ts-check
/** Prometheus metrics of what the session store does. */
import { subscribe } from 'node:diagnostics_channel'

import { Counter, Gauge, Histogram } from 'prom-client'

/**
 * @typedef {import('dynamodb-sessions/diagnostics').OperationTrace} OperationTrace
 * @typedef {import('dynamodb-sessions/diagnostics').AttemptTrace} AttemptTrace
 * @typedef {import('dynamodb-sessions/diagnostics').CredentialsTrace} CredentialsTrace
 * @typedef {import('dynamodb-sessions/diagnostics').LockTrace} LockTrace
 * @typedef {import('dynamodb-sessions/diagnostics').ConflictTrace} ConflictTrace
 * @typedef {import('dynamodb-sessions/diagnostics').ResolutionTrace} ResolutionTrace
 * @typedef {import('dynamodb-sessions/diagnostics').RegionTrace} RegionTrace
 */

/** From a millisecond, which a read takes within a region, to the longest time that a call may take. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Counts and measures from now on.
 *
 * @param {import('prom-client').Registry} register
 */
export function startMetrics(register) {
  const registers = [register]
  const operations = new Histogram({
    name: 'dynamodb_sessions_operation_duration_seconds',
    help: 'Calls of DynamoDB with their retries, by result: ok or what went wrong',
    labelNames: ['operation', 'table', 'result'],
    buckets: DURATION_BUCKETS,
    registers,
  })
  const underWay = new Gauge({
    name: 'dynamodb_sessions_operations_under_way',
    help: 'Calls of DynamoDB that have not ended',
    labelNames: ['operation', 'table'],
    registers,
  })
  const capacity = new Counter({
    name: 'dynamodb_sessions_consumed_capacity_units_total',
    help: 'Capacity units that DynamoDB says were consumed',
    labelNames: ['operation', 'table'],
    registers,
  })
  const retries = new Counter({
    name: 'dynamodb_sessions_retries_total',
    help: 'Requests that were sent again, by reason',
    labelNames: ['operation', 'reason'],
    registers,
  })
  const searches = new Counter({
    name: 'dynamodb_sessions_credential_searches_total',
    help: 'Times a provider was asked for AWS credentials',
    labelNames: ['reason', 'result'],
    registers,
  })
  const expiry = new Gauge({
    name: 'dynamodb_sessions_credentials_expire_timestamp_seconds',
    help: 'When the AWS credentials that were found last expire',
    labelNames: ['provider'],
    registers,
  })
  const locks = new Histogram({
    name: 'dynamodb_sessions_lock_wait_seconds',
    help: 'Time until the lock of a session was had or refused',
    labelNames: ['table', 'outcome'],
    buckets: DURATION_BUCKETS,
    registers,
  })
  const conflicts = new Counter({
    name: 'dynamodb_sessions_conflicts_total',
    help: 'Saves that met a version of the session that another request had written',
    labelNames: ['table', 'policy', 'outcome'],
    registers,
  })
  const unresolved = new Gauge({
    name: 'dynamodb_sessions_unresolved_hosts',
    help: 'Hosts whose name cannot be resolved, and that are connected to by addresses from before',
    labelNames: ['host'],
    registers,
  })
  const failing = new Gauge({
    name: 'dynamodb_sessions_failing_regions',
    help: 'Stores for which requests to a Region fail, so that they go to another one where there is one',
    labelNames: ['region'],
    registers,
  })
  const outages = new Counter({
    name: 'dynamodb_sessions_region_outages_total',
    help: 'Times that requests to a Region began to fail, by the last failure',
    labelNames: ['region', 'reason'],
    registers,
  })

  // A call that began before anybody listened has not been counted up, and must not be counted down.
  /** @type {WeakSet<object>} */
  const counted = new WeakSet()
  listen('operation:start', (/** @type {OperationTrace} */ message) => {
    const { operation, table } = message
    counted.add(message)
    underWay.inc({ operation, table })
  })
  listen('operation:asyncEnd', (/** @type {OperationTrace} */ message) => {
    const { operation, table, durationMs = 0, error, consumedCapacity = 0 } = message
    if (counted.has(message)) underWay.dec({ operation, table })
    operations.observe({ operation, table, result: resultOf(error) }, durationMs / 1000)
    capacity.inc({ operation, table }, consumedCapacity)
  })
  listen('attempt:start', (/** @type {AttemptTrace} */ { operation, retryReason }) => {
    if (retryReason !== undefined) retries.inc({ operation, reason: retryReason })
  })
  listen(
    'credentials:asyncEnd',
    (/** @type {CredentialsTrace} */ { reason, provider = 'unknown', error, expiresAtMs }) => {
      searches.inc({ reason, result: resultOf(error) })
      if (expiresAtMs !== undefined) expiry.set({ provider }, expiresAtMs / 1000)
    },
  )
  listen('lock:asyncEnd', (/** @type {LockTrace} */ { table, outcome = 'failed', durationMs = 0 }) => {
    locks.observe({ table, outcome }, durationMs / 1000)
  })
  listen('conflict:asyncEnd', (/** @type {ConflictTrace} */ { table, policy, outcome = 'failed' }) => {
    conflicts.inc({ table, policy, outcome })
  })
  listen('resolution:start', (/** @type {ResolutionTrace} */ message) => {
    counted.add(message)
    unresolved.inc({ host: message.host })
  })
  listen('resolution:asyncEnd', (/** @type {ResolutionTrace} */ message) => {
    if (counted.has(message)) unresolved.dec({ host: message.host })
  })
  listen('region:start', (/** @type {RegionTrace} */ message) => {
    const { region, reason } = message
    counted.add(message)
    failing.inc({ region })
    outages.inc({ region, reason })
  })
  listen('region:asyncEnd', (/** @type {RegionTrace} */ message) => {
    if (counted.has(message)) failing.dec({ region: message.region })
  })
}

/** @param {import('dynamodb-sessions/diagnostics').TracedError | undefined} error */
function resultOf(error) {
  return error === undefined ? 'ok' : (error.awsCode ?? error.code ?? error.name)
}

/**
 * @template Message
 * @param {string} event
 * @param {(message: Message) => void} listener
 */
function listen(event, listener) {
  subscribe(`tracing:dynamodb-sessions:${event}`, message => {
    listener(/** @type {Message} */ (message))
  })
}
