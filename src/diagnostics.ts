/** The channels' names, for `tracingChannel` of `node:diagnostics_channel`: `tracingChannel(channelNames.operation)`. */
export const channelNames = {
  /** Calls of DynamoDB: {@link OperationTrace}. */
  operation: 'dynamodb-sessions:operation',
  /** Requests of a call: {@link AttemptTrace}. */
  attempt: 'dynamodb-sessions:attempt',
  /** Searches for credentials: {@link CredentialsTrace}. */
  credentials: 'dynamodb-sessions:credentials',
  /** Locks: {@link LockTrace}. */
  lock: 'dynamodb-sessions:lock',
  /** Conflicts: {@link ConflictTrace}. */
  conflict: 'dynamodb-sessions:conflict',
  /** Sessions that get a new ID: {@link MoveTrace}. */
  move: 'dynamodb-sessions:move',
  /** Host names that cannot be resolved: {@link ResolutionTrace}. */
  resolution: 'dynamodb-sessions:resolution',
  /** Regions that fail: {@link RegionTrace}. */
  region: 'dynamodb-sessions:region',
} as const

/** An error as traces tell it: never the error itself, whose causes and properties can be anybody's. */
export interface TracedError {
  /** Name of the error's class, for example `ThrottlingError`; `Error` for what this package does not know. */
  readonly name: string
  /** The stable code of an error of this package, for example `'THROTTLED'`. */
  readonly code: string | undefined
  /** What DynamoDB calls it, for example `ConditionalCheckFailedException`, which a conflict or a taken lock is. */
  readonly awsCode: string | undefined
  /** The message of an error of this package; of others it is withheld, because it can hold anything. */
  readonly message: string
}

/** What the messages of every channel have in common. One object accompanies its subject from `start` to `asyncEnd`. */
export interface Trace {
  /** How long it took, in milliseconds; present from `asyncStart` on. */
  readonly durationMs?: number
  /** Why it failed; present from `error` on, and absent when it succeeded. */
  readonly error?: TracedError
}

/** Message of `dynamodb-sessions:operation`: one call of DynamoDB, with its retries and all the waiting in between. */
export interface OperationTrace extends Trace {
  /** Operation in the words of the DynamoDB API, for example `GetItem`. */
  readonly operation: string
  /** Name or ARN of the table; of a transaction, the table of its first item. */
  readonly table: string
  /** How many attempts have begun. */
  readonly attempts: number
  /** Name of the Region of the last attempt; absent before the first. */
  readonly region?: string
  /** AWS request ID of the last answer; absent when there was none. */
  readonly requestId?: string
  /** Capacity units that DynamoDB says the call consumed; absent when it failed or did not say. */
  readonly consumedCapacity?: number
}

/**
 * Why an attempt follows another: `throttling` (DynamoDB asks for less), `transient` (the network or the server failed),
 * `clock` (this machine's clock was wrong and has been corrected), `credentials` (AWS has stopped accepting them and
 * there are new ones) or `failover` (the Region failed, and the call goes on in another one).
 */
export type RetryReason = 'throttling' | 'transient' | 'clock' | 'credentials' | 'failover'

/** Message of `dynamodb-sessions:attempt`: one request of a call. A call without retries has one attempt. */
export interface AttemptTrace extends Trace {
  readonly operation: string
  readonly table: string
  /** 1 for the first attempt of a call, 2 for its first retry, and so on. */
  readonly attempt: number
  /** Name of the Region that it goes to. */
  readonly region: string
  /** Absent for the first attempt. */
  readonly retryReason?: RetryReason
  /** Milliseconds since the attempt before ended: the back-off. 0 for the first attempt. */
  readonly backOffMs: number
  /** AWS request ID; absent when there was no answer, or it had none. */
  readonly requestId?: string
  /**
   * What became of the second request of a slow read, with the option `hedgedReads`: its response was used (`won`) or that of
   * the first (`lost`). Absent when there was one request.
   */
  readonly hedge?: 'won' | 'lost'
}

/**
 * Message of `dynamodb-sessions:credentials`: a provider is asked for credentials. Credentials that were passed as an
 * object, and those that are still good, make no message.
 */
export interface CredentialsTrace extends Trace {
  /**
   * Why the provider is asked: there are no credentials yet (`missing`), they end soon and those at hand are used
   * meanwhile (`expiring`), they have ended (`expired`), or AWS does not accept them any more (`rejected`).
   */
  readonly reason: 'missing' | 'expiring' | 'expired' | 'rejected'
  /** The place of the default chain that had them, for example `web identity`; absent when it is not known. */
  readonly provider?: string
  /** When the credentials expire, in epoch milliseconds; absent when they do not, or there are none. */
  readonly expiresAtMs?: number
}

/**
 * Message of `dynamodb-sessions:lock`: a request asks for the lock of a session and waits for it (`start`) until it is
 * decided (`asyncEnd`). A lock that turns out to be lost is a message of its own, which begins and ends at once.
 */
export interface LockTrace extends Trace {
  readonly table: string
  /** How often DynamoDB has been asked for the lock; more than once when somebody else had it. */
  readonly attempts: number
  /**
   * `acquired`; `absent`: there is no such session, and so nothing to lock; `refused`: somebody else still had it after
   * `maxWaitMs`; `lost`: the lease expired, another request took the lock, and the holder's write was refused;
   * `failed`: it was not decided, see `error`. Present at `asyncEnd`.
   */
  readonly outcome?: 'acquired' | 'absent' | 'refused' | 'lost' | 'failed'
}

/** Message of `dynamodb-sessions:conflict`: a save met a version of the session that another request has written. */
export interface ConflictTrace extends Trace {
  readonly table: string
  /** Which attempt of the save met it, from 1; absent while a session moves from another layout or table. */
  readonly attempt?: number
  /** What `onConflict` says. */
  readonly policy: 'merge' | 'overwrite' | 'reject' | 'resolver'
  /** How many top-level keys both sides changed to different values; absent when the versions were not compared. */
  readonly conflictingKeys?: number
  /**
   * `merged`, or `resolved` by the function that `onConflict` is: the save goes on with the result; `rejected` by
   * `onConflict: 'reject'`; `gave-up`: others kept on writing; `failed`: the function threw, or the versions could not
   * be compared. Present at `asyncEnd`.
   */
  readonly outcome?: 'merged' | 'resolved' | 'rejected' | 'gave-up' | 'failed'
}

/**
 * Message of `dynamodb-sessions:move`: a session is given a new ID (`start`, `asyncEnd`), or a request turns out to have the old
 * one, which begins and ends at once.
 */
export interface MoveTrace extends Trace {
  readonly table: string
  /**
   * `moved`; `gone`: the session had been destroyed or had expired; `failed`, see `error`; `followed`: a request that had read
   * the session before found on saving that it has moved; `late`: a request came with the old ID just after the move, and was
   * given no session. Present at `asyncEnd`.
   */
  readonly outcome?: 'moved' | 'gone' | 'failed' | 'followed' | 'late'
}

/**
 * Message of `dynamodb-sessions:resolution`: a host name cannot be resolved, and connections go to the addresses that
 * responded before (`start`), until it can be resolved again (`asyncEnd`).
 */
export interface ResolutionTrace extends Trace {
  /** Host name of the endpoint, of a service that gives credentials, or of a proxy. */
  readonly host: string
  /** Code of the failed look-up, for example `ENOTFOUND`; `ETIMEOUT` when there was no response in time. */
  readonly reason: string
  /** How many connections have been opened, or tried, with addresses from before. */
  readonly connections: number
  /**
   * `resolved`: look-ups succeed again; `expired`: no address is left that has responded recently enough; `closed`: the
   * store has been closed. Present at `asyncEnd`.
   */
  readonly outcome?: 'resolved' | 'expired' | 'closed'
}

/**
 * Message of `dynamodb-sessions:region`: requests to a Region fail (`start`), until they succeed again (`asyncEnd`). With the
 * option `failover`, calls go to another Region meanwhile.
 */
export interface RegionTrace extends Trace {
  /** Name of the Region, for example `eu-west-1`. */
  readonly region: string
  /** Code of the error by which it was decided, for example `CONNECT_TIMEOUT`. */
  readonly reason: string
  /** `recovered`: requests succeed again; `closed`: the store has been closed. Present at `asyncEnd`. */
  readonly outcome?: 'recovered' | 'closed'
}
