// @ts-check
/** OpenTelemetry spans of what the session store does, below the span that is active when the app calls it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'

import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

/**
 * @typedef {import('@opentelemetry/api').Attributes} Attributes
 * @typedef {{ readonly name: string, readonly kind?: number, readonly attributes: Attributes }} Beginning
 */

/** What DynamoDB answers when a condition does not hold: a conflict, or a lock that somebody else has. No malfunction. */
const FAILED_CONDITION = 'ConditionalCheckFailedException'

/** Makes spans from now on. */
export function startSpans(tracer = trace.getTracer('dynamodb-sessions')) {
  /** @type {AsyncLocalStorage<import('@opentelemetry/api').Context>} */
  const inside = new AsyncLocalStorage()

  /**
   * @template {import('dynamodb-sessions/diagnostics').Trace} Message
   * @param {string} name
   * @param {(message: Message) => Beginning} begin
   * @param {(message: Message) => Attributes} conclude
   */
  function spansOf(name, begin, conclude) {
    /** @type {import('node:diagnostics_channel').TracingChannel<unknown, Message>} */
    const { start, asyncEnd } = tracingChannel(`dynamodb-sessions:${name}`)
    /** @type {WeakMap<Message, import('@opentelemetry/api').Span>} */
    const open = new WeakMap()

    /** @param {Message} message */
    const onStart = message => {
      // Within a span of ours, or else within the one that the app has at the moment.
      const parent = inside.getStore() ?? context.active()
      const { name: spanName, kind = SpanKind.INTERNAL, attributes } = begin(message)
      const span = tracer.startSpan(spanName, { kind, attributes }, parent)
      open.set(message, span)
      return trace.setSpan(parent, span)
    }
    /** @param {unknown} ended */
    const onEnd = ended => {
      const message = /** @type {Message} */ (ended)
      const span = open.get(message)
      // It began before anybody listened.
      if (span === undefined) return
      span.setAttributes(conclude(message))
      const { error } = message
      if (error !== undefined) {
        span.setAttributes({ 'error.type': error.awsCode ?? error.code ?? error.name })
        if (error.awsCode !== FAILED_CONDITION) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
        }
      }
      span.end()
    }
    // What is done from `start` to `asyncEnd` happens inside of the span.
    start.bindStore(inside, onStart)
    asyncEnd.subscribe(onEnd)
  }

  spansOf('operation', beginOperation, concludeOperation)
  spansOf('attempt', beginAttempt, concludeAttempt)
  spansOf('credentials', beginCredentials, concludeCredentials)
  spansOf('lock', beginLock, concludeLock)
  spansOf('conflict', beginConflict, concludeConflict)
}

/**
 * @param {import('dynamodb-sessions/diagnostics').OperationTrace} message
 * @returns {Beginning}
 */
function beginOperation({ operation, table }) {
  return {
    name: `${operation} ${table}`,
    kind: SpanKind.CLIENT,
    attributes: {
      'db.system.name': 'aws.dynamodb',
      'db.operation.name': operation,
      'db.collection.name': table,
    },
  }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').OperationTrace} message
 * @returns {Attributes}
 */
function concludeOperation({ attempts, requestId, consumedCapacity }) {
  return {
    'aws.request_id': requestId,
    'dynamodb_sessions.attempts': attempts,
    'dynamodb_sessions.consumed_capacity': consumedCapacity,
  }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').AttemptTrace} message
 * @returns {Beginning}
 */
function beginAttempt({ attempt, retryReason, backOffMs }) {
  return {
    name: `attempt ${attempt}`,
    attributes: {
      'http.request.resend_count': attempt === 1 ? undefined : attempt - 1,
      'dynamodb_sessions.retry_reason': retryReason,
      'dynamodb_sessions.back_off_ms': backOffMs,
    },
  }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').AttemptTrace} message
 * @returns {Attributes}
 */
function concludeAttempt({ requestId }) {
  return { 'aws.request_id': requestId }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').CredentialsTrace} message
 * @returns {Beginning}
 */
function beginCredentials({ reason }) {
  return { name: 'find AWS credentials', attributes: { 'dynamodb_sessions.credentials.reason': reason } }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').CredentialsTrace} message
 * @returns {Attributes}
 */
function concludeCredentials({ provider, expiresAtMs }) {
  return {
    'dynamodb_sessions.credentials.provider': provider,
    'dynamodb_sessions.credentials.expires':
      expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString(),
  }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').LockTrace} message
 * @returns {Beginning}
 */
function beginLock({ table }) {
  return { name: 'lock session', attributes: { 'db.collection.name': table } }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').LockTrace} message
 * @returns {Attributes}
 */
function concludeLock({ outcome, attempts }) {
  return { 'dynamodb_sessions.lock.outcome': outcome, 'dynamodb_sessions.lock.attempts': attempts }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').ConflictTrace} message
 * @returns {Beginning}
 */
function beginConflict({ table, policy }) {
  return {
    name: 'resolve conflict',
    attributes: { 'db.collection.name': table, 'dynamodb_sessions.conflict.policy': policy },
  }
}

/**
 * @param {import('dynamodb-sessions/diagnostics').ConflictTrace} message
 * @returns {Attributes}
 */
function concludeConflict({ outcome, conflictingKeys }) {
  return {
    'dynamodb_sessions.conflict.outcome': outcome,
    'dynamodb_sessions.conflict.keys': conflictingKeys,
  }
}
