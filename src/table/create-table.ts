import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import type { Input } from '../aws/dynamodb/operations.ts'
import { DeadlineExceededError, TableMismatchError, TableNotFoundError } from '../errors.ts'
import { processEnvironment, warn } from '../internal/process-environment.ts'
import { sleep } from '../internal/timers.ts'
import { entryRows } from '../options/entry-options.ts'
import { functionOption, type OptionRows, readOptions } from '../internal/option.ts'
import { type Finding, findingsOf, keyFinding } from './findings.ts'
import {
  addReplicas,
  askedReplicas,
  checkReplicas,
  type ReplicaDesign,
  replicaDesign,
  type ReplicaOptions,
  replicaRows,
} from './replicas.ts'
import { billingSpec, openTable, type TableOptions, tableSpecs } from './table-options.ts'
import {
  type Billing,
  enableTimeToLive,
  findTable,
  isUsable,
  settledTimeToLiveOf,
  type TableAccess,
  type TableState,
} from './table-state.ts'

/** Options of {@link createTable}: where DynamoDB is, and what the table is to be. */
export interface CreateTableOptions extends TableOptions, ReplicaOptions {
  /**
   * How the table is paid for: by request, or for capacity that is set aside. The index by user gets the same capacity
   * as the table.
   *
   * @default 'on-demand'
   */
  readonly billing?: Billing | undefined

  /**
   * Longest time to wait for the table and its replicas to become active. Milliseconds.
   *
   * @default 120000, or 1200000 with `replicas`
   */
  readonly waitTimeoutMs?: number | undefined

  /**
   * Told what is not as asked but does not keep sessions from working, one sentence a call.
   *
   * @default `process.emitWarning`
   */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** What {@link createTable} found or did. */
export interface CreateTableResult {
  /** Whether this call created the table; `false` when it was there already. */
  readonly created: boolean
  /** What is not as asked but does not keep sessions from working; {@link CreateTableOptions.onWarning} was told. */
  readonly warnings: readonly string[]
}

interface Job extends TableAccess {
  /** As asked for; `undefined` when any will do for a table that is there. */
  readonly billing: Billing | undefined
  readonly replicas: ReplicaDesign | undefined
  readonly giveUpAtMs: number
}

const DEFAULT_WAIT_TIMEOUT_MS = 120_000
const DEFAULT_REPLICAS_TIMEOUT_MS = 1_200_000
const FIRST_POLL_MS = 50
const SLOWEST_POLL_MS = 2000

const specs: OptionRows<CreateTableOptions> = {
  ...tableSpecs,
  ...replicaRows,
  billing: billingSpec,
  waitTimeoutMs: entryRows.waitTimeoutMs,
  onWarning: functionOption(),
}

/**
 * Creates the table for sessions: on-demand billing, a partition key of type S, time to live on `expires`, and the
 * sparse index `user-index` on `user`. Waits until the table is active. With another `layout` the key and the attribute for
 * time to live are those of that layout, and there is no index; a layout whose expiry time to live cannot act on gets none,
 * which is a warning.
 *
 * Does nothing when the table is there as asked, so that it can run at every deployment, several times at once.
 * It never changes a table that was there: a table that sessions cannot be kept in is a `TableMismatchError`;
 * other differences (no time to live, no index) are warnings that say how to change that. So is an engine without
 * time to live, such as dynalite.
 *
 * With `replicas` a new table becomes a global one. A replica that is missing in a table that was there is a warning.
 *
 * Needs the permissions `dynamodb:CreateTable`, `DescribeTable`, `UpdateTimeToLive` and `DescribeTimeToLive`,
 * which the application itself does not; for replicas `UpdateTable`, too, and what DynamoDB needs to make them.
 *
 * @example
 * ```ts
 * import { createTable } from 'dynamodb-sessions/table'
 *
 * const { created } = await createTable({ table: 'sessions', region: 'eu-west-1' })
 * console.log(created ? 'created' : 'was there')
 * ```
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values, and for a partition key that is another
 *   attribute of the layout.
 * @throws {TableMismatchError} when the table is there with another key.
 * @throws {DeadlineExceededError} when the table is not active after `waitTimeoutMs`.
 */
export async function createTable(options: CreateTableOptions = {}): Promise<CreateTableResult> {
  const checked = readOptions<CreateTableOptions>(options, specs, processEnvironment())
  const replicas = replicaDesign(checked)
  const defaultMs = replicas === undefined ? DEFAULT_WAIT_TIMEOUT_MS : DEFAULT_REPLICAS_TIMEOUT_MS
  // The client reaches the replicas as it does other Regions in a failover.
  const failover = checked.replicas === undefined ? checked.failover : { regions: checked.replicas }
  const job: Job = {
    ...(await openTable({ ...checked, failover })),
    billing: checked.billing,
    replicas,
    giveUpAtMs: performance.now() + (checked.waitTimeoutMs ?? defaultMs),
  }
  try {
    const { created, state } = await ensureTable(job)
    const findings = Object.values(findingsOf(state, job, job.billing))
    const asked = replicas ?? askedReplicas(checked)
    if (asked !== undefined) findings.push(...Object.values(await checkReplicas(state, job, asked)))
    const warnings = findings.filter(({ level }) => level !== 'pass').map(inOneSentence)
    for (const warning of warnings) (checked.onWarning ?? warn)(warning)
    return { created, warnings }
  } finally {
    await job.client.close()
  }
}

async function ensureTable(job: Job): Promise<{ created: boolean; state: TableState }> {
  const before = await waitUntil(job, isNotGoing)
  if (isReady(before)) {
    checkKey(job, before)
    return { created: false, state: { ...before, timeToLive: await settledTimeToLiveOf(job) } }
  }
  // A table in the making is probably another process's doing, at this very moment: what is to follow its
  // creation is then done by both, because the other one may stop in between.
  const created = before === undefined && (await create(job))
  // Right after its creation a table may not be found yet: DescribeTable is eventually consistent.
  const after = await waitUntil(job, isReady)
  checkKey(job, after)
  const { replicas } = job
  const timeToLive = replicas?.consistency === 'strong' ? undefined : await enableTimeToLive(job)
  if (replicas === undefined) return { created, state: { ...after, timeToLive } }
  const state = await addReplicas(job, replicas, () => waitUntil(job, isSettled))
  return { created, state: { ...state, timeToLive } }
}

async function create(job: Job): Promise<boolean> {
  try {
    await job.client.send('CreateTable', createTableInput(job), job.send)
    return true
  } catch (error) {
    // An earlier attempt may have created it, and its response was lost (G11).
    if (isAwsError(error, 'ResourceInUseException')) return error.attempts > 1
    throw error
  }
}

function createTableInput({ table, partitionKey, billing, replicas, userIndex }: Job): Input<'CreateTable'> {
  const provisioned = billing !== undefined && billing !== 'on-demand'
  const throughput = provisioned && {
    ProvisionedThroughput: {
      ReadCapacityUnits: billing.readCapacityUnits,
      WriteCapacityUnits: billing.writeCapacityUnits,
    },
  }
  return {
    TableName: table,
    KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
    AttributeDefinitions: [
      { AttributeName: partitionKey, AttributeType: 'S' },
      ...(userIndex === undefined ? [] : [{ AttributeName: userIndex.attribute, AttributeType: 'S' }]),
    ],
    BillingMode: provisioned ? 'PROVISIONED' : 'PAY_PER_REQUEST',
    ...throughput,
    // What replicas with eventual consistency are made from.
    ...(replicas?.consistency === 'eventual' && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
    ...(userIndex !== undefined && {
      GlobalSecondaryIndexes: [
        {
          IndexName: userIndex.name,
          KeySchema: [{ AttributeName: userIndex.attribute, KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: userIndex.projected },
          ...throughput,
        },
      ],
    }),
  }
}

async function waitUntil<Reached extends TableState | undefined>(
  job: Job,
  isReached: (state: TableState | undefined) => state is Reached,
): Promise<Reached> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, SLOWEST_POLL_MS)) {
    const found = await findTable(job)
    const state = found instanceof TableNotFoundError ? undefined : found
    if (isReached(state)) return state
    if (performance.now() + pauseMs > job.giveUpAtMs) {
      const status = state?.status ?? 'not there'
      const waiting = state?.replicas.filter(replica => replica.status !== 'ACTIVE') ?? []
      const replicas = waiting.map(({ region, status: now }) => `, ${region} is ${now}`).join('')
      throw new DeadlineExceededError(
        `table "${job.table}" did not become active in time; it is ${status}${replicas}`,
      )
    }
    await sleep(pauseMs, job.send.signal)
  }
}

function isReady(state: TableState | undefined): state is TableState {
  return state !== undefined && isUsable(state.status)
}

function isSettled(state: TableState | undefined): state is TableState {
  return (
    isReady(state) && state.status === 'ACTIVE' && state.replicas.every(({ status }) => status === 'ACTIVE')
  )
}

function isNotGoing(state: TableState | undefined): state is TableState | undefined {
  return state?.status !== 'DELETING'
}

function checkKey({ partitionKey }: Job, state: TableState): void {
  const finding = keyFinding(state, partitionKey)
  if (finding.level !== 'pass') throw new TableMismatchError(inOneSentence(finding), [finding.what])
}

function inOneSentence({ what, fix }: Finding): string {
  return fix === undefined ? what : `${what}; ${fix}`
}
