/** What stands here for the options of the AWS SDK's clients, by their names; where several have one, with bars between. */
const COUNTERPARTS: Readonly<Record<string, string>> = {
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

/** What to do instead of giving a store an option that a client of the AWS SDK has; `undefined` for every other name. */
export function insteadOfSdkOption(name: string): string | undefined {
  return Object.entries(COUNTERPARTS).find(([names]) => names.split('|').includes(name))?.[1]
}
