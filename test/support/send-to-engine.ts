import { engineCredentials, engineRegion } from './engines.ts'

/** What an engine answered, as it stands. */
export interface EngineAnswer {
  readonly statusCode: number
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * Sends one DynamoDB operation to an engine without any code of this package, so that a test can see what is
 * really stored. The engines read the access key ID and the region but do not check the signature.
 */
export async function sendToEngine(
  endpoint: string,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): Promise<EngineAnswer> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${date.slice(0, 8)}/${engineRegion}/dynamodb/aws4_request`
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': date,
      authorization:
        `AWS4-HMAC-SHA256 Credential=${engineCredentials.accessKeyId}/${scope}, ` +
        `SignedHeaders=host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`,
    },
    body: JSON.stringify(input),
  })
  const body: unknown = await response.json()
  if (!isJsonObject(body)) throw new Error(`${operation} was not answered with a JSON object`)
  return { statusCode: response.status, body }
}

function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
