import { withPlaceholders } from './placeholders.ts'
import type { Scenario } from './scenario.ts'
import type { RequestLog, World } from './world.ts'

/** Credentials as they are compared. */
export interface ComparedCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** ISO 8601, or, when it is within a day of now, how many minutes from now: `now + 15 min`. */
  readonly expiration?: string
  readonly accountId?: string
}

/**
 * What came of the search: `nothing-found`, the chain came to its end; `stopped`, something that is configured is
 * broken, or it cannot be gone on for another reason.
 */
export type Failure = 'nothing-found' | 'stopped'

/** Everything about the run of a scenario that is compared. */
export interface Outcome {
  readonly credentials?: ComparedCredentials
  readonly failure?: Failure
  /** Where a request to DynamoDB goes, and whose it is. */
  readonly request?: { readonly url: string; readonly signer: string }
  readonly requests?: RequestLog
  /** How often the credential process was run, if it was. */
  readonly processRuns?: number
  /** Watched files, afterwards. */
  readonly files?: Readonly<Record<string, unknown>>
}

/** What an implementation found; the rest of the outcome is seen from outside. */
export type Found = Pick<Outcome, 'credentials' | 'failure' | 'request'>

/** File to which a credential process of a scenario adds a line. */
export const PROCESS_RUNS_FILE = 'process-runs'

const MS_PER_MINUTE = 60_000
const NEAR_MS = 24 * 60 * MS_PER_MINUTE

/** The whole outcome, with placeholders for what differs from run to run. */
export async function outcomeOf(scenario: Scenario, world: World, found: Found): Promise<Outcome> {
  const runs = await world.read(PROCESS_RUNS_FILE)
  const files: Record<string, unknown> = {}
  for (const path of scenario.watchedFiles) files[path] = await watched(world, path)
  const outcome = {
    ...found,
    ...(Object.keys(world.requests).length > 0 && { requests: world.requests }),
    ...(runs !== undefined && { processRuns: runs.trim().split('\n').length }),
    ...(scenario.watchedFiles.length > 0 && { files }),
  }
  return JSON.parse(withPlaceholders(JSON.stringify(outcome), world.placeholders)) as Outcome
}

/** What is compared of credentials of either implementation. */
export function comparedCredentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expiration,
  accountId,
}: {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
  readonly accountId?: string | undefined
}): ComparedCredentials {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiration !== undefined && { expiration: shownInstant(expiration) }),
    ...(accountId !== undefined && { accountId }),
  }
}

/** An instant as it is compared: near ones by their distance from now. */
export function shownInstant(instant: Date): string {
  const aheadMs = instant.getTime() - Date.now()
  if (Number.isNaN(aheadMs)) return 'Invalid Date'
  if (Math.abs(aheadMs) > NEAR_MS) return instant.toISOString()
  const minutes = Math.round(aheadMs / MS_PER_MINUTE)
  // Static stability draws lots within this range.
  if (minutes >= 5 && minutes < 11) return 'now + 5 to 10 min'
  return `now + ${minutes} min`
}

async function watched(world: World, path: string): Promise<unknown> {
  const text = await world.read(path)
  if (text === undefined) return null
  try {
    return withShownInstants(JSON.parse(text))
  } catch {
    return text
  }
}

function withShownInstants(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return shownInstant(new Date(value))
  if (typeof value === 'string' && value.startsWith('-----BEGIN EC')) return '{dpopKey}'
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]) => [name, withShownInstants(inner)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
