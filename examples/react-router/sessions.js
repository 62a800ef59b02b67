// @ts-check
/** The sessions of the app: what `app/sessions.server.ts` is in a project of React Router's framework mode. */
import { createDynamoDBSessionStorage } from 'dynamodb-sessions/react-router'

const production = process.env['NODE_ENV'] === 'production'
const secrets = (process.env['SESSION_SECRETS'] ?? '').split(/\s+/).filter(secret => secret !== '')
if (secrets.length === 0) throw new Error('set SESSION_SECRETS; make one with: openssl rand -base64 32')

/**
 * What this app keeps in a session.
 *
 * @typedef {object} Visit
 * @property {string} user name given at sign-in
 * @property {number} visits
 * @property {string[]} notes
 */

/**
 * What it keeps until it is read once.
 *
 * @typedef {object} Flash
 * @property {string} message
 */

/**
 * Table, region, endpoint and credentials come from the environment.
 *
 * @type {import('dynamodb-sessions/react-router').DynamoDBSessionStorage<Visit, Flash>}
 */
export const sessions = createDynamoDBSessionStorage({
  cookie: {
    name: production ? '__Host-session' : 'session',
    secrets,
    httpOnly: true,
    secure: production,
    sameSite: 'lax',
    path: '/',
    maxAge: 86_400,
  },
})
