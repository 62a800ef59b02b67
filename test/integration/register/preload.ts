import { engineCredentials, engineRegion } from '../../support/engines.ts'
import type { SessionTable } from '../../support/session-table.ts'

/** What an operator sets so that applications keep their sessions in a table. */
export function environmentFor(
  table: SessionTable,
  nodeOptions = '--import dynamodb-sessions/register',
): Record<string, string> {
  return {
    NODE_OPTIONS: nodeOptions,
    NODE_ENV: 'production',
    DYNAMODB_SESSIONS_TABLE: table.name,
    DYNAMODB_SESSIONS_ENDPOINT: table.engine.endpoint,
    AWS_REGION: engineRegion,
    AWS_ACCESS_KEY_ID: engineCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engineCredentials.secretAccessKey,
  }
}
