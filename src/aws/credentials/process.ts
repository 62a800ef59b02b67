import type { ChildProcess, spawn as Spawn } from 'node:child_process'

import { variable } from '../config/environment.ts'
import type { Environment } from '../../internal/process-environment.ts'
import { GrowingBuffer } from '../http/response-parser.ts'
import { CredentialsError } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { Deadline } from '../../internal/deadline.ts'
import { type Flights, sharedFlight } from '../../internal/keyed-calls.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import {
  contextOf,
  type FoundProfile,
  rows,
  notConfigured,
  type ProviderRows,
  profileTitle,
  propertyOf,
  type ProviderContext,
  type ProviderOptions,
  readProfile,
} from './provider.ts'

/** Options of {@link fromProcess}. */
export interface FromProcessOptions extends ProviderOptions {
  /**
   * Profile whose `credential_process` is run.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /**
   * Longest time that the command may take. Milliseconds.
   *
   * @default 60_000
   */
  readonly timeoutMs?: number | undefined
}

const optionRows: ProviderRows<FromProcessOptions> = { profile: rows.text, timeoutMs: rows.timeoutMs }

/** What a command has printed, or a predicate to put behind its name. */
type CommandOutcome = { readonly output: string } | { readonly failure: string }

/** The commands under way, for each environment. */
const underWay = new WeakMap<Environment, Flights<CommandOutcome>>()

const DEFAULT_TIMEOUT_MS = 60_000
const MAX_OUTPUT_BYTES = 1024 * 1024

/**
 * Credentials that a command prints: the `credential_process` of a profile, run in the system's shell.
 *
 * A command that is under way is not started again: whoever asks meanwhile gets what it prints. One that takes too long or prints more than 1 MiB is killed with everything that it has started. What it
 * prints, to standard output or standard error, and the command line itself never appear in an error. The
 * configuration files are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError}. A chain goes on when the profile names no command; when
 *   the command fails, it goes on only for the default profile that nobody asked for by name. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromProcess(options: FromProcessOptions = {}): CredentialProvider {
  const context = contextOf('fromProcess', options, optionRows)
  return () => runCredentialProcess(context, options)
}

async function runCredentialProcess(
  context: ProviderContext,
  { profile: given, timeoutMs = DEFAULT_TIMEOUT_MS }: FromProcessOptions,
): Promise<Credentials> {
  const { environment, clock } = context
  const found = await readProfile(context, given)
  const { profile: name } = found
  const command = propertyOf(found, 'credential_process')
  const source = `the credential_process of ${profileTitle(name)}`
  try {
    const outcome = await context.pending.step(source, () => outputOnce(command, environment, timeoutMs))
    if ('failure' in outcome) throw new CredentialsError(`${source} ${outcome.failure}`)
    return credentialsOfOutput(outcome.output, source, found, clock.now())
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    const isImplicit = name === 'default' && variable(environment, 'AWS_PROFILE') === undefined
    throw isImplicit ? notConfigured(error.message) : error
  }
}

/** Runs a command, or waits for the end of one that is under way: some ask a person, or may not run side by side. */
function outputOnce(command: string, environment: Environment, timeoutMs: number): Promise<CommandOutcome> {
  const flights: Flights<CommandOutcome> = underWay.get(environment) ?? new Map()
  underWay.set(environment, flights)
  // It ends for certain: what takes too long is killed.
  return sharedFlight(flights, command, new Deadline(Infinity), () =>
    outputOfCommand(command, environment, timeoutMs),
  )
}

function credentialsOfOutput(
  output: string,
  source: string,
  { section }: FoundProfile,
  nowMs: number,
): Credentials {
  const printed = `what ${source} prints`
  // Tools on Windows begin UTF-8 with a byte order mark.
  const document = parseJsonObject(output.replace(/^\uFEFF/, ''), printed)
  if (document['Version'] !== 1) throw new CredentialsError(`${printed} has no Version 1`)
  const credentials = credentialsOfDocument(document, printed, {
    sessionToken: 'SessionToken',
    temporary: false,
  })
  const { expiration, accountId = section?.get('aws_account_id') } = credentials
  if (expiration !== undefined && expiration.getTime() <= nowMs) {
    throw new CredentialsError(`${printed} expired at ${expiration.toISOString()}`)
  }
  return accountId === undefined || accountId === '' ? credentials : { ...credentials, accountId }
}

/**
 * Runs a command in the system's shell and collects what it writes to its standard output.
 *
 * Its standard input is empty and what it writes to its standard error is thrown away. A command that exceeds a limit
 * is killed together with the processes that it has started (on POSIX systems, those of its process group).
 *
 * @returns the outcome, as soon as it is certain; it never rejects.
 */
export function outputOfCommand(
  command: string,
  environment: Environment,
  timeoutMs: number,
): Promise<CommandOutcome> {
  return new Promise(resolve => {
    const notStarted = (error: unknown): void => {
      const code = codeOf(error)
      settle({ failure: `could not be started${code === undefined ? '' : ` (${code})`}` })
    }
    const settle = (outcome: CommandOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    const kill = (failure: string): void => {
      child?.stdout?.destroy()
      if (child !== undefined) killWithDescendants(child)
      settle({ failure: `${failure} and was killed` })
    }
    const timer = setTimeout(() => {
      kill(`did not end within ${timeoutMs} ms`)
    }, timeoutMs)
    let child: ChildProcess | undefined
    try {
      child = spawn()(command, {
        shell: true,
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
        // A process group of its own, so that whatever the shell starts can be killed with it.
        detached: process.platform !== 'win32',
        windowsHide: true,
      })
    } catch (error) {
      notStarted(error)
      return
    }
    const output = new GrowingBuffer()
    child.stdout?.on('data', (chunk: Buffer) => {
      if (output.length + chunk.length > MAX_OUTPUT_BYTES) kill(`printed more than ${MAX_OUTPUT_BYTES} bytes`)
      else output.append(chunk, MAX_OUTPUT_BYTES)
    })
    child.on('error', notStarted)
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) settle({ output: output.view.toString('utf8') })
      else if (exitCode === null) settle({ failure: `was ended by the signal ${signal}` })
      else settle({ failure: `failed with exit code ${exitCode}; run it in a terminal to see why` })
    })
  })
}

/** Not every process needs it. And not with `import()`, which scripts in a `vm` context do not have. */
function spawn(): typeof Spawn {
  return process.getBuiltinModule('node:child_process').spawn
}

function killWithDescendants(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  if (process.platform === 'win32') {
    const killer = spawn()('taskkill', ['/pid', pid.toString(), '/t', '/f'], {
      stdio: 'ignore',
      windowsHide: true,
    })
    killer.on('error', () => child.kill())
    killer.unref()
    return
  }
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Every process of the group has ended by itself.
  }
}
