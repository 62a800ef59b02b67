import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

import { credentials, region } from '../lib/fixture.mjs'

/**
 * The client of the AWS SDK as it comes, but for the number of its connections.
 *
 * @param {string} endpoint
 * @param {number} inFlight
 */
export function createSdkClient(endpoint, inFlight) {
  const agent = { maxSockets: inFlight, keepAlive: true }
  return new DynamoDBClient({
    endpoint,
    region,
    credentials,
    requestHandler: { httpAgent: agent, httpsAgent: agent },
  })
}
