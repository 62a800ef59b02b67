import { type Engine, engineCredentials, engineRegion } from '../../support/engines.ts'

/** The variables with which commands reach an engine. */
export function engineEnvironment({ endpoint }: Pick<Engine, 'endpoint'>): Record<string, string> {
  return {
    AWS_REGION: engineRegion,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: engineCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engineCredentials.secretAccessKey,
  }
}
