// @ts-check
/** Who may do what: users are in a database, everything that comes and goes is in DynamoDB. */
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { dynamoDBSecondaryStorage } from 'dynamodb-sessions/better-auth'

const secret = process.env['BETTER_AUTH_SECRET']
if (!secret) throw new Error('set BETTER_AUTH_SECRET; make one with: openssl rand -base64 32')

// Table, region, endpoint and credentials come from the environment.
export const secondaryStorage = dynamoDBSecondaryStorage()

/**
 * @param {string} baseURL where browsers reach the app
 * @returns the handlers of better-auth
 */
export function createAuth(baseURL) {
  return betterAuth({
    baseURL,
    secret,
    // Users are gone when the process ends: take the adapter of your database instead.
    database: memoryAdapter({ user: [], account: [], session: [], verification: [] }),
    secondaryStorage,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: true, storage: 'secondary-storage', window: 10, max: 50 },
    advanced: { ipAddress: { ipAddressHeaders: ['x-client-address'] } },
    telemetry: { enabled: false },
  })
}
