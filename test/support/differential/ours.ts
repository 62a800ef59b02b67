import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { defaultProvider } from '../../../src/aws/credentials/default-provider.ts'
import { CredentialsError, DynamoDBSessionsError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest } from '../../../src/aws/http/transport.ts'
import { openClient } from '../../../src/store/open-client.ts'
import type { Credentials } from '../../../src/types.ts'
import { childProgram } from './child-program.ts'
import { signer } from './describe-request.ts'
import { comparedCredentials, type Found, type Outcome, outcomeOf } from './outcome.ts'
import { expandedText } from './placeholders.ts'
import type { Scenario } from './scenario.ts'
import { World } from './world.ts'

/** What the child process prints: a found value or how the search failed. */
interface ChildAnswer {
  readonly credentials?: Omit<Credentials, 'expiration'> & { readonly expiration?: string }
  readonly failure?: 'nothing-found' | 'stopped'
  readonly request?: { readonly url: string; readonly authorization: string }
}

/** Where the package finds itself by its name. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Plays a scenario to this package. */
export async function ourOutcome(scenario: Scenario): Promise<Outcome> {
  const world = await World.of(scenario)
  try {
    return await outcomeOf(scenario, world, await find(scenario, world))
  } finally {
    await world.close()
  }
}

function find(scenario: Scenario, world: World): Promise<Found> {
  if (scenario.inChildProcess) return findInChildProcess(scenario, world)
  return scenario.asks === 'credentials' ? findCredentials(scenario, world) : findEndpoint(scenario, world)
}

async function findCredentials({ options }: Scenario, { environment }: World): Promise<Found> {
  const transport = new SocketTransport()
  try {
    const provider = defaultProvider({ ...options, context: { environment, transport, random: () => 0 } })
    return { credentials: comparedCredentials(await provider()) }
  } catch (error) {
    return { failure: failureOf(error) }
  } finally {
    await transport.close()
  }
}

async function findEndpoint({ options }: Scenario, { environment, placeholders }: World): Promise<Found> {
  const sent: TransportRequest[] = []
  const transport: Transport = {
    request: request => {
      sent.push(request)
      return Promise.resolve({
        statusCode: 200,
        headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
        body: Buffer.from('{}'),
      })
    },
    close: () => Promise.resolve(),
  }
  const { endpoint, ...others } = options
  const client = openClient(
    {
      ...others,
      ...(endpoint !== undefined && { endpoint: expandedText(endpoint, placeholders) }),
      transport,
    },
    environment,
  )
  try {
    await client.send('GetItem', { TableName: 'sessions', Key: { id: { S: 'id' } } })
  } catch (error) {
    return { failure: failureOf(error) }
  } finally {
    await client.close()
  }
  const [request] = sent
  if (request === undefined) throw new Error('no request was sent')
  const { endpoint: target, path, headers } = request
  return {
    request: {
      url: target.origin + path,
      signer: signer(headers.find(([name]) => name === 'authorization')?.[1]),
    },
  }
}

function failureOf(error: unknown): 'nothing-found' | 'stopped' {
  if (!(error instanceof DynamoDBSessionsError)) throw error
  return error instanceof CredentialsError && error.skipped.length > 0 ? 'nothing-found' : 'stopped'
}

async function findInChildProcess(
  { asks, options }: Scenario,
  { environment, placeholders }: World,
): Promise<Found> {
  const task = expandedText(JSON.stringify({ asks, options }), placeholders)
  const child = spawn(process.execPath, ['--input-type=module', '-', task], {
    cwd: ROOT,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(childProgram)
  const exited = once(child, 'exit')
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [exitCode] = (await exited) as [number | null]
  if (exitCode !== 0) throw new Error(`the child process ended with ${exitCode}: ${complaints}`)
  const { credentials, failure, request } = JSON.parse(printed) as ChildAnswer
  if (failure !== undefined) return { failure }
  if (request !== undefined) return { request: { url: request.url, signer: signer(request.authorization) } }
  if (credentials === undefined) throw new Error('the child process found nothing')
  const { expiration, ...keys } = credentials
  return {
    credentials: comparedCredentials({
      ...keys,
      ...(expiration !== undefined && { expiration: new Date(expiration) }),
    }),
  }
}
