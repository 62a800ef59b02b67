/** What to tell a visitor, and the log, about an error. */
import { DynamoDBSessionsError } from 'dynamodb-sessions'

/**
 * @typedef {object} ErrorAnswer
 * @property {number} status
 * @property {string} title
 * @property {string} text
 * @property {string} [detail] the error's own words
 * @property {string} [advice]
 * @property {string} logLine
 */

const CHECK_CREDENTIALS =
  'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary credentials, AWS_SESSION_TOKEN.'

const CHECK_ENDPOINT =
  'Check that the endpoint is reachable from this machine. AWS_ENDPOINT_URL_DYNAMODB names it when it is not the AWS one.'

/** @type {Readonly<Record<string, string>>} */
const ADVICE = {
  TABLE_NOT_FOUND:
    'Create the table (README.md of this example has the line to run), or set SESSIONS_TABLE, AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB to where it is.',
  TABLE_MISMATCH:
    'The table was made without what this needs: the words above say how to add it. Signing out of this session alone works.',
  REGION_MISSING: 'Set AWS_REGION, for example to eu-west-1.',
  CREDENTIALS_UNAVAILABLE: CHECK_CREDENTIALS,
  ACCESS_DENIED: `${CHECK_CREDENTIALS} They need permission to read and write the table.`,
  CLOCK_SKEW: 'Set the clock of this machine.',
  THROTTLED: 'Try again in a moment. If it lasts, the table needs more capacity.',
  CONNECTION_FAILED: CHECK_ENDPOINT,
  CONNECT_TIMEOUT: CHECK_ENDPOINT,
  DEADLINE_EXCEEDED: CHECK_ENDPOINT,
}

/**
 * An error of the session store becomes a 503 that says what to do; a refused request keeps its 4xx status;
 * anything else is a 500 without details.
 *
 * Errors of the store hold no credentials, session IDs or session data. They may name the table, the endpoint or
 * the AWS account, which is why visitors in production get neither the message nor the advice.
 *
 * @param {unknown} error
 * @param {boolean} production
 * @returns {ErrorAnswer}
 */
export function describeError(error, production) {
  if (error instanceof DynamoDBSessionsError) {
    const detail = `${error.name} (${error.code}): ${error.message}`
    const advice = ADVICE[error.code]
    return {
      status: 503,
      title: 'Your session could not be reached',
      text: 'The table that keeps it did not answer as it should, so this page was not made. Try again in a moment.',
      ...(production ? {} : { detail, ...(advice === undefined ? {} : { advice }) }),
      logLine: detail,
    }
  }
  const status = statusOf(error)
  return {
    status,
    title: status < 500 ? 'The shop did not understand this request' : 'Something went wrong in the shop',
    text: status < 500 ? 'Go back and try again.' : 'The log of the server says what it was.',
    logLine: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}

/**
 * Status that Express or the body parser gave to a refused request.
 *
 * @param {unknown} error
 * @returns {number}
 */
function statusOf(error) {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}
