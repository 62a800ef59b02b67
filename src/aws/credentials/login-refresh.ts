import type { KeyObject } from 'node:crypto'
import { CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import type { Transport } from '../http/transport.ts'
import type { Clock, Credentials } from '../../types.ts'
import { updateCacheFile } from './cache-file.ts'
import { dpopProof, type ProvenRequest, readDpopKey } from './dpop.ts'
import { callForJson, instantAfter, type JsonObject, objectIn, operationUrl, textIn } from './json-call.ts'
import { type Login, loginCredentials, type LoginToken } from './login-token.ts'
import type { ProviderContext } from './provider-context.ts'
import { ServiceCallError } from './service-call.ts'

/** What came of a refresh. */
export type LoginRefresh =
  | { readonly credentials: Credentials }
  /** `isOver`: AWS says that the log-in itself has ended, so that what it gave is not to be used any longer. */
  | { readonly error: CredentialsError; readonly isOver: boolean }

const OPERATION = 'signin:CreateOAuth2Token'
const DEFAULT_VALIDITY_SECONDS = 900

/** What AWS means by the codes of an `AccessDeniedException`. */
const REFUSALS: ReadonlyMap<string, (login: Login) => string> = new Map([
  ['TOKEN_EXPIRED', ({ described, remedy }) => `${described} has expired; ${remedy}`],
  [
    'USER_CREDENTIALS_CHANGED',
    ({ described, remedy }) => `${described} has ended because the password was changed; ${remedy}`,
  ],
  [
    'INSUFFICIENT_PERMISSIONS',
    ({ described, remedy }) =>
      `${described} may not be refreshed; allow the user the action signin:CreateOAuth2Token, then ${remedy}`,
  ],
])

/**
 * Gets new credentials and a new refresh token for a log-in, and writes both to its cache file.
 *
 * @param endpoint what finds the URL of the sign-in service.
 */
export async function refreshLogin(
  token: LoginToken,
  login: Login,
  endpoint: () => string,
  context: ProviderContext,
): Promise<LoginRefresh> {
  const failed = (reason: string, cause?: unknown): LoginRefresh => {
    const message = `${login.described} could not be refreshed: ${reason}; ${login.remedy}`
    return { error: new CredentialsError(message, cause === undefined ? {} : { cause }), isOver: false }
  }
  const key = readDpopKey(token.dpopKey)
  if (key === undefined) {
    return failed(`dpopKey in the file ${login.path} is not a P-256 private key in PEM format`)
  }
  try {
    const answer = await createToken(
      token,
      key,
      login.profile,
      operationUrl('signin', endpoint, 'v1/token'),
      context,
    )
    const credentials = await saved(answer, token, context)
    return credentials === undefined
      ? failed(`the answer of ${OPERATION} lacks a usable accessToken, refreshToken or expiresIn`)
      : { credentials }
  } catch (error) {
    if (error instanceof ServiceCallError) {
      const { awsCode, message } = error.failure
      const refusal = awsCode === 'AccessDeniedException' ? REFUSALS.get(message) : undefined
      return refusal === undefined
        ? failed(error.message, error)
        : { error: new CredentialsError(refusal(login), { cause: error }), isOver: true }
    }
    if (error instanceof DynamoDBSessionsError) return failed(error.message, error)
    throw error
  }
}

async function createToken(
  { clientId, refreshToken, credentials }: LoginToken,
  key: KeyObject,
  profile: string,
  url: string,
  context: ProviderContext,
): Promise<JsonObject> {
  return callForJson(
    {
      name: OPERATION,
      method: 'POST',
      profile,
      url,
      headers: [['content-type', 'application/json']],
      body: JSON.stringify({ clientId, refreshToken, grantType: 'refresh_token' }),
      secrets: [refreshToken, credentials.secretAccessKey, credentials.sessionToken ?? ''],
    },
    {
      ...context,
      serviceTransport: provingTransport(
        context.serviceTransport,
        { method: 'POST', url },
        key,
        context.clock,
      ),
    },
  )
}

/** Gives each attempt a proof of its own: a server may take one that it has seen before for a replay. */
function provingTransport(
  transport: Transport,
  proven: ProvenRequest,
  key: KeyObject,
  clock: Clock,
): Transport {
  return {
    request: async request => {
      const headers = [...request.headers, ['dpop', dpopProof(proven, key, clock)] as const]
      return transport.request({ ...request, headers })
    },
    close: async () => transport.close(),
  }
}

async function saved(
  answer: JsonObject,
  { file, accessToken }: LoginToken,
  { clock }: ProviderContext,
): Promise<Credentials | undefined> {
  const { accessKeyId, secretAccessKey, sessionToken } = objectIn(answer, 'accessToken') ?? {}
  const refreshToken = textIn(answer, 'refreshToken')
  const expiration = instantAfter(clock.now(), answer['expiresIn'] ?? DEFAULT_VALIDITY_SECONDS)
  if (refreshToken === undefined || expiration === undefined) return undefined
  const expiresAt = expiration.toISOString()
  const newAccessToken = { ...accessToken, accessKeyId, secretAccessKey, sessionToken, expiresAt }
  const credentials = loginCredentials(newAccessToken, expiration)
  if (credentials === undefined) return undefined
  await updateCacheFile(file, { ...file.content, accessToken: newAccessToken, refreshToken })
  return credentials
}
