/**
 * A program that looks for credentials, or for the endpoint of DynamoDB, as an application does: with the built package
 * and the environment of its process. It takes the task as its argument, and prints what it found as JSON.
 */
export const childProgram = `
import { CredentialsError, DynamoDBSessionsError, SessionStore } from 'dynamodb-sessions'
import { defaultProvider } from 'dynamodb-sessions/credentials'

const { asks, options } = JSON.parse(process.argv[2])

process.stdout.write(JSON.stringify(await (asks === 'endpoint' ? findEndpoint() : findCredentials())))

async function findCredentials() {
  try {
    return { credentials: await defaultProvider(options)() }
  } catch (error) {
    return failureOf(error)
  }
}

async function findEndpoint() {
  const sent = []
  const transport = {
    async request(request) {
      sent.push(request)
      return { statusCode: 200, headers: new Map([['content-type', 'application/x-amz-json-1.0']]), body: Buffer.from('{}') }
    },
    async close() {},
  }
  const store = new SessionStore({ ...options, transport })
  try {
    await store.read('the-session-id')
  } catch (error) {
    return failureOf(error)
  } finally {
    await store.close()
  }
  const [{ endpoint, path, headers }] = sent
  return { request: { url: endpoint.origin + path, authorization: new Map(headers).get('authorization') } }
}

function failureOf(error) {
  if (!(error instanceof DynamoDBSessionsError)) throw error
  const isEndOfChain = error instanceof CredentialsError && error.skipped.length > 0
  return { failure: isEndOfChain ? 'nothing-found' : 'stopped' }
}
`
