/**
 * What stands here for an option of the AWS SDK's clients, or of other session stores, as the end of a sentence.
 *
 * @param isStore whether the options are those of a store.
 */
export function counterpartOf(name: string, isStore: boolean): string | undefined {
  const ofSdk = found(SDK_COUNTERPARTS, name)
  if (ofSdk !== undefined) return `, as clients of the AWS SDK have it: ${ofSdk}`
  const ofStore = isStore ? found(STORE_COUNTERPARTS, name) : undefined
  return ofStore && `, as other stores have it: ${ofStore}`
}

/** By the names of the options; where several have one counterpart, with bars between. */
const SDK_COUNTERPARTS: Readonly<Record<string, string>> = {
  'requestHandler|httpOptions|httpAgent|httpsAgent|agent':
    'set "connectTimeoutMs", "attemptTimeoutMs", "maxSockets", "ca" or "proxy", or pass a "transport"',
  'connectionTimeout|connectTimeout': 'set "connectTimeoutMs"',
  'requestTimeout|socketTimeout|timeout': 'set "attemptTimeoutMs" or "deadlineMs"',
  useFipsEndpoint: 'set AWS_USE_FIPS_ENDPOINT=true, or use_fips_endpoint in the profile',
  'useDualstackEndpoint|useDualStack':
    'set AWS_USE_DUALSTACK_ENDPOINT=true, or use_dualstack_endpoint in the profile',
  accountIdEndpointMode: 'set AWS_ACCOUNT_ID_ENDPOINT_MODE, or account_id_endpoint_mode in the profile',
  'retryStrategy|retryMode|defaultsMode': 'the retry mode is standard; set "maxAttempts" and "deadlineMs"',
  maxRetries: 'set "maxAttempts", which counts the first attempt, too',
  logger: 'subscribe to the diagnostics channels: docs/observability.md',
  'customUserAgent|userAgentAppId|defaultUserAgentProvider':
    'set AWS_SDK_UA_APP_ID, or sdk_ua_app_id in the profile',
  'tls|sslEnabled': 'say http:// or https:// in "endpoint"',
  'credentialDefaultProvider|credentialProvider': 'pass it as "credentials"',
  'accessKeyId|secretAccessKey|sessionToken':
    'pass "credentials", an object with accessKeyId and secretAccessKey',
  'systemClockOffset|correctClockSkew': 'a wrong clock is corrected by itself; for tests set "clock"',
  'endpointProvider|urlParser|endpointDiscoveryEnabled|endpointCacheSize': 'set "endpoint"',
  'client|documentClient|dynamoDBClient':
    'the store has its own client; set "region", "endpoint" and "credentials"',
}

/** The same for the options of other session stores. */
const STORE_COUNTERPARTS: Readonly<Record<string, string>> = {
  'hashKey|partitionKeyName|keyName|idAttribute': 'set "partitionKey"',
  'AWSConfigJSON|AWSConfigPath|dynamoConfig|awsConfig': 'set "region", "endpoint" and "credentials"',
  'reapInterval|autoRemove|autoRemoveInterval|checkPeriod':
    'the time to live of the table deletes expired sessions; call collectGarbage() where it has none',
  'readCapacityUnits|writeCapacityUnits|initialized|autoCreate|createTable':
    'create the table once: npx dynamodb-sessions create-table',
  'disableTouch|touchInterval': 'set "touchAfterSeconds"',
  'maxAge|expires|cookieMaxAge|expiration|expiresIn':
    'a session expires with its cookie; else set "ttlSeconds"',
  'crypto|encryptionKey|encryptionKeys': 'set "encryption"',
}

function found(counterparts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(counterparts).find(([names]) => names.split('|').includes(name))?.[1]
}
