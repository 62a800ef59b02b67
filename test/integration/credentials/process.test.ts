import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { fromIni } from '../../../src/aws/credentials/ini.ts'
import {
  fromProcess,
  type FromProcessOptions,
  outputOfCommand,
} from '../../../src/aws/credentials/process.ts'
import { PendingSteps } from '../../../src/internal/deadline.ts'
import type { CredentialProvider, Credentials } from '../../../src/types.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type TemporaryHome, temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const MEBIBYTE = 1024 * 1024
const secrets = /PrInTeD|printed-token/
const document = {
  Version: 1,
  AccessKeyId: 'ASIAPRINTED000000001',
  SecretAccessKey: 'PrInTeD/SeCrEt',
  SessionToken: 'printed-token',
  Expiration: '2031-05-06T13:00:00Z',
}
const printed = {
  accessKeyId: 'ASIAPRINTED000000001',
  secretAccessKey: 'PrInTeD/SeCrEt',
  sessionToken: 'printed-token',
  expiration: new Date('2031-05-06T13:00:00Z'),
}

interface Setup {
  readonly home: TemporaryHome
  readonly clock: ManualClock
  readonly provider: CredentialProvider
}

/** A provider for a default profile with this command, which may read `$HOME/answer`. */
async function setUp(
  command: string,
  { answer = '', options = {} }: { readonly answer?: string; readonly options?: FromProcessOptions } = {},
): Promise<Setup> {
  const home = await temporaryHome({ config: `[default]\ncredential_process = ${command}\n` })
  await writeFile(join(home.directory, 'answer'), answer)
  const clock = new ManualClock()
  const provider = fromProcess({ ...options, context: { environment: home.environment, clock } })
  return { home, clock, provider }
}

const PRINT_ANSWER = 'cat "$HOME/answer"'

async function ask(provider: CredentialProvider): Promise<Credentials> {
  return provider()
}

async function printing(answer: unknown): Promise<CredentialProvider> {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
  return (await setUp(PRINT_ANSWER, { answer: text })).provider
}

/** Whether a chain goes on after the failure of this provider. */
async function goesOn(options: FromProcessOptions): Promise<boolean> {
  return (await failureOf(fromProcess(options))).tryNextProvider
}

/** Does other work of the process; unlike a timer, the fake clock of a test does not hold it up. */
async function otherWork(): Promise<void> {
  await new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** The process IDs that a command writes to `$HOME/pids`, one a line, as soon as there are `count`. */
async function pidsOf({ directory }: TemporaryHome, count: number): Promise<readonly number[]> {
  for (;;) {
    const text = await readFile(join(directory, 'pids'), 'utf8').catch(() => '')
    const lines = text.split('\n').slice(0, -1)
    if (lines.length >= count) return lines.map(Number)
    await otherWork()
  }
}

/** Waits until a process has ended; one that does not makes the test time out. */
async function hasEnded(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    // A process that ended and whose new parent has not collected it yet is still in the table.
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    if (/\) Z /.test(state)) return
    await otherWork()
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('fromProcess', () => {
  it('runs the credential_process of the default profile', async () => {
    const provider = await printing(document)
    expect(await provider()).toEqual(printed)
  })

  it('takes what begins with a byte order mark, as tools on Windows write it', async () => {
    const provider = await printing(`\uFEFF${JSON.stringify(document)}\r\n`)
    expect(await provider()).toEqual(printed)
    const twice = await printing(`\uFEFF\uFEFF${JSON.stringify(document)}`)
    expect((await failureOf(twice)).message).toContain('is not JSON')
  })

  it('runs it in a shell, with the environment and an empty standard input', async () => {
    const { provider } = await setUp('cat && (echo {; sed -e "s/X/${HOME:+ASIA}/" "$HOME/answer") | cat', {
      answer: '"Version": 1, "AccessKeyId": "X", "SecretAccessKey": "PrInTeD/SeCrEt"}',
    })
    expect(await provider()).toEqual({ accessKeyId: 'ASIA', secretAccessKey: 'PrInTeD/SeCrEt' })
  })

  it('takes the profile of the option, else of AWS_PROFILE', async () => {
    const config = ['one', 'two']
      .map(
        name =>
          `[profile ${name}]\ncredential_process = ` +
          `echo '{"Version": 1, "AccessKeyId": "ASIA${name}", "SecretAccessKey": "s"}'\n`,
      )
      .join('')
    const home = await temporaryHome({ config })
    const context = { environment: { ...home.environment, AWS_PROFILE: 'one' } }
    expect((await fromProcess({ context })()).accessKeyId).toBe('ASIAone')
    expect((await fromProcess({ context, profile: 'two' })()).accessKeyId).toBe('ASIAtwo')
  })

  it('sees an edited file at the next call', async () => {
    const { home, provider } = await setUp(PRINT_ANSWER, { answer: JSON.stringify(document) })
    await provider()
    await writeFile(
      join(home.directory, '.aws', 'config'),
      `[default]\ncredential_process = echo '{"Version": 1, "AccessKeyId": "ASIANEXT", "SecretAccessKey": "s"}'\n`,
    )
    expect(await provider()).toEqual({ accessKeyId: 'ASIANEXT', secretAccessKey: 's' })
  })

  it('takes the account from what is printed, else from the profile', async () => {
    const config = `[default]\ncredential_process = ${PRINT_ANSWER}\naws_account_id = 111122223333\n`
    const home = await temporaryHome({ config })
    const provider = fromProcess({ context: { environment: home.environment, clock: new ManualClock() } })
    await writeFile(join(home.directory, 'answer'), JSON.stringify(document))
    expect(await provider()).toEqual({ ...printed, accountId: '111122223333' })
    await writeFile(
      join(home.directory, 'answer'),
      JSON.stringify({ ...document, AccountId: '444455556666' }),
    )
    expect(await provider()).toEqual({ ...printed, accountId: '444455556666' })
  })

  it('is not started again while it is under way, whoever asks', async () => {
    const { home } = await setUp(
      'echo run >> "$HOME/runs"; while [ ! -e "$HOME/go" ]; do sleep 0.02; done; cat "$HOME/answer"',
      { answer: JSON.stringify(document) },
    )
    const pending = new PendingSteps()
    const step = vi.spyOn(pending, 'step')
    const context = { environment: home.environment, clock: new ManualClock(), pending }
    const one = fromProcess({ context })
    const asked = [one, one, fromProcess({ context }), fromIni({ profile: 'default', context })].map(ask)
    // A cache gives up waiting for a provider that takes long, and asks once more.
    await expect.poll(() => existsSync(join(home.directory, 'runs'))).toBe(true)
    asked.push(ask(one))
    await expect
      .poll(() => step.mock.calls.filter(([what]) => what.startsWith('the credential_process')).length)
      .toBeGreaterThanOrEqual(asked.length)
    await writeFile(join(home.directory, 'go'), '')
    expect(await Promise.all(asked)).toEqual(asked.map(() => printed))
    expect(await readFile(join(home.directory, 'runs'), 'utf8')).toBe('run\n')
    await one()
    expect(await readFile(join(home.directory, 'runs'), 'utf8')).toBe('run\nrun\n')
  })

  it('goes on when the profile names no command', async () => {
    const home = await temporaryHome({ config: '[default]\nregion = eu-west-1\ncredential_process =\n' })
    const absent = (name: string): string =>
      `the profile "${name}" does not exist: there is neither [profile ${name}] in ${home.directory}/.aws/config nor ` +
      `[${name}] in ${home.directory}/.aws/credentials`
    for (const [profile, reason] of [
      [undefined, 'the profile "default" has no credential_process'],
      ['absent', absent('absent')],
      ['__proto__', absent('__proto__')],
    ] as const) {
      const error = await failureOf(fromProcess({ profile, context: { environment: home.environment } }))
      expect(error.message).toBe(reason)
      expect(error.tryNextProvider).toBe(true)
    }
  })

  it('stops when the configuration cannot be read', async () => {
    const home = await temporaryHome({ config: '\u0000' })
    const error = await failureOf(fromProcess({ context: { environment: home.environment } }))
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain(home.directory)
  })

  it('goes on after a failure only for the default profile that nobody named', async () => {
    const config = '[default]\ncredential_process = exit 1\n[profile named]\ncredential_process = exit 1\n'
    const { environment } = await temporaryHome({ config })
    expect(await goesOn({ context: { environment } })).toBe(true)
    expect(await goesOn({ context: { environment }, profile: 'default' })).toBe(true)
    expect(await goesOn({ context: { environment: { ...environment, AWS_PROFILE: 'default' } } })).toBe(false)
    expect(await goesOn({ context: { environment: { ...environment, AWS_PROFILE: 'named' } } })).toBe(false)
    expect(await goesOn({ context: { environment }, profile: 'named' })).toBe(false)
  })
})

describe('what a credential process prints', () => {
  it.each<[string, unknown]>([
    ['is not JSON', ''],
    ['is not JSON', 'PrInTeD/SeCrEt'],
    ['is not JSON', JSON.stringify(document).slice(0, -1)],
    ['is not JSON', `${JSON.stringify(document)}\nPrInTeD\n`],
    ['is not a JSON object', ['PrInTeD/SeCrEt']],
    ['has no Version 1', { ...document, Version: undefined }],
    ['has no Version 1', { ...document, Version: '1' }],
    ['has no Version 1', { ...document, Version: 2 }],
    ['has no text AccessKeyId', { ...document, AccessKeyId: '' }],
    ['has no text SecretAccessKey', { ...document, SecretAccessKey: undefined }],
    ['has no text SessionToken', { ...document, SessionToken: ['printed-token'] }],
    ['not a date', { ...document, Expiration: 'PrInTeD' }],
    ['line breaks', { ...document, SessionToken: 'printed-token\r\nx: y' }],
  ])('is refused when it %s, and not repeated', async (part, answer) => {
    const error = await failureOf(await printing(answer))
    expect(error.message).toContain(part)
    expect(error.message).toContain('the credential_process of the profile "default"')
    expect(everythingIn(error)).not.toMatch(secrets)
    expect(everythingIn(error)).not.toContain('$HOME')
  })

  it('is refused from the millisecond in which it expires', async () => {
    const { clock, provider } = await setUp(PRINT_ANSWER, { answer: JSON.stringify(document) })
    clock.nowMs = printed.expiration.getTime() - 1
    expect(await provider()).toEqual(printed)
    clock.advance(1)
    const error = await failureOf(provider)
    expect(error.message).toContain('expired at 2031-05-06T13:00:00.000Z')
    expect(everythingIn(error)).not.toMatch(secrets)
  })

  it('may take up to 1 MiB and no more', async () => {
    const fits = JSON.stringify(document).padEnd(MEBIBYTE)
    const acceptable = await printing(fits)
    expect(await acceptable()).toEqual(printed)
    const error = await failureOf(await printing(`${fits} `))
    expect(error.message).toContain(`printed more than ${MEBIBYTE} bytes`)
  })
})

describe('a credential process that fails', () => {
  it('may say what it likes: none of it is shown', async () => {
    const command = `cat "$HOME/answer"; cat "$HOME/answer" >&2; exit 3`
    const { provider } = await setUp(command, { answer: JSON.stringify(document) })
    const error = await failureOf(provider)
    expect(error.message).toContain('failed with exit code 3')
    expect(everythingIn(error)).not.toMatch(secrets)
  })

  it.skipIf(process.platform !== 'linux')('writes its standard error to nowhere', async () => {
    const { home, provider } = await setUp('readlink /proc/$$/fd/2 > "$HOME/stderr"; exit 3')
    await failureOf(provider)
    expect(await readFile(join(home.directory, 'stderr'), 'utf8')).toBe('/dev/null\n')
  })

  it('is told apart when a signal ended it', async () => {
    const { provider } = await setUp('kill -9 $$', { answer: '' })
    expect((await failureOf(provider)).message).toContain('was ended by the signal SIGKILL')
  })

  it('is told apart when it does not exist', async () => {
    const { provider } = await setUp('/no/such/command --secret PrInTeD', { answer: '' })
    const error = await failureOf(provider)
    expect(error.message).toContain('failed with exit code 127')
    expect(everythingIn(error)).not.toMatch(secrets)
  })

  it('is told apart when it cannot be started', async () => {
    expect(await outputOfCommand('echo \u0000', {}, 10_000)).toEqual({
      failure: 'could not be started (ERR_INVALID_ARG_VALUE)',
    })
  })

  it('is killed with all that it has started when it hangs, by default after 60 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const command =
      `trap "" TERM HUP INT; cat "$HOME/answer" >&2; sleep 1000 & echo $! >> "$HOME/pids"; ` +
      `echo $$ >> "$HOME/pids"; wait; sleep 1000`
    const { home, provider } = await setUp(command, { answer: JSON.stringify(document) })
    const failure = failureOf(provider)
    const pids = await pidsOf(home, 2)
    await vi.advanceTimersByTimeAsync(59_999)
    for (const pid of pids) expect(process.kill(pid, 0)).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    const error = await failure
    expect(error.message).toContain('did not end within 60000 ms and was killed')
    expect(everythingIn(error)).not.toMatch(secrets)
    for (const pid of pids) await hasEnded(pid)
  })

  it('is not waited for longer when it ended and left somebody behind who holds its output', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const command = `sleep 1000 & echo $! >> "$HOME/pids"; cat "$HOME/answer"`
    const options = { timeoutMs: 5000 }
    const { home, provider } = await setUp(command, { answer: JSON.stringify(document), options })
    const failure = failureOf(provider)
    const pids = await pidsOf(home, 1)
    await vi.advanceTimersByTimeAsync(5000)
    expect((await failure).message).toContain('did not end within 5000 ms')
    for (const pid of pids) await hasEnded(pid)
  })

  it('is killed when it prints without an end', async () => {
    const { home, provider } = await setUp('echo $$ >> "$HOME/pids"; while :; do cat "$HOME/answer"; done', {
      answer: 'PrInTeD '.repeat(10_000),
    })
    const error = await failureOf(provider)
    expect(error.message).toContain('printed more than')
    expect(everythingIn(error)).not.toMatch(secrets)
    for (const pid of await pidsOf(home, 1)) await hasEnded(pid)
  })
})
