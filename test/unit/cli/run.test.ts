import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'

import { commands } from '../../../src/cli/run.ts'
import { type CommandLineIo, Interruption, type Output } from '../../../src/cli/output.ts'
import { runCommandLine } from '../../../src/cli/run.ts'
import { interrupted, runCli } from '../../integration/cli/command-line.ts'

const brokenPipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

function outputs(write: Output['write']): Pick<CommandLineIo, 'stdout' | 'stderr'> {
  const output = { isTerminal: false, columns: 100, write }
  return { stdout: output, stderr: output }
}

describe('a command line', () => {
  test('without a command shows the help on the standard error output', async () => {
    const { exitCode, stdout, stderr } = await runCli([])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('create-table')
  })

  test.each([['--help'], ['-h'], ['help']])('with %s shows the help', async argument => {
    const { exitCode, stdout, stderr } = await runCli([argument])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toContain('Exit codes')
  })

  test.each(commands.map(({ name }) => name))('shows the help of %s in three ways', async name => {
    const first = await runCli([name, '--help'])
    expect(first.exitCode).toBe(0)
    expect(first.stdout).toContain(`dynamodb-sessions ${name}`)
    expect(await runCli([name, '-h'])).toEqual(first)
    expect(await runCli(['help', name])).toEqual(first)
    // Whoever asks for help may have written anything before.
    expect(await runCli([name, '--no-such-option', '--help'])).toEqual(first)
  })

  test.each([['--version'], ['-V']])('with %s shows the version of the package', async argument => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect(await runCli([argument])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each([
    [['lst'], 'there is no command "lst"; did you mean list?'],
    [['help', 'docter'], 'there is no command "docter"; did you mean doctor?'],
    [['--table', 'x', 'list'], 'the command comes first'],
    [['list', '--tabel', 'x'], 'there is no option --tabel; did you mean --table?'],
    [['list', 'x'], 'for one user: --user <id>'],
    [['list', '--table', 'no table!'], '--table must be the name of a DynamoDB table'],
    [['list', '--layout', 'nativ'], "--layout must be one of 'native', 'php'"],
    [['list', '--partition-key', 'data'], '--partition-key cannot be "data"'],
    [['list', '--hash-ids', '--no-hash-ids'], 'exclude each other'],
    [['list', '--limit', '0'], '--limit must be a whole number of sessions, 1 or more'],
    [['show'], 'show needs a session'],
    [['show', 'one', 'two'], 'one session at a time'],
    [['show', 'one', '--key', 'two'], 'one session at a time'],
    [['destroy'], 'destroy needs a session or a user'],
    [['destroy', 'one', '--user', 'ada'], '--user ends all sessions of a user'],
    [['destroy', 'one', '--except', 'two'], '--except goes with --user'],
    [['gc', '--segments', '1000'], '--segments must be a whole number of segments from 1 to 100'],
    [['stats', 'x'], 'stats takes options only'],
    [['doctor', 'x'], 'doctor takes options only'],
    [['create-table', 'x'], 'name the table with --table'],
    [
      ['create-table', '--billing', 'provisoned'],
      '--billing must be on-demand or provisioned; did you mean provisioned?',
    ],
    [['create-table', '--read-units', '5'], 'go with --billing provisioned'],
    [['create-table', '--print', 'teraform'], 'did you mean terraform?'],
  ])('%j makes no sense, and it says why', async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(args)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^see: npx dynamodb-sessions .*--help$/m)
  })

  test('does not repeat what may be a session ID', async () => {
    for (const args of [
      ['SECRET1-session'],
      ['show', 'SECRET1', 'SECRET2'],
      ['show', '-SECRET1'],
      ['stats', 'SECRET1'],
    ]) {
      const { exitCode, stderr } = await runCli(args)
      expect(exitCode).toBe(2)
      expect(stderr).not.toContain('SECRET')
    }
  })

  test('takes a wrong setting of the environment for a mistake of the caller', async () => {
    const { exitCode, stderr } = await runCli(['list'], {
      environment: { DYNAMODB_SESSIONS_TABLE: 'no table!' },
    })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('the environment variable DYNAMODB_SESSIONS_TABLE must be')
  })

  test('ends with 130 when it is interrupted, and with 143 when it is terminated', async () => {
    const signals = [interrupted(), AbortSignal.abort(new Interruption('SIGTERM'))]
    const outcomes = await Promise.all(signals.map(signal => runCli(['list'], { signal })))
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([130, 143])
    expect(outcomes[0]?.stderr).toBe('interrupted\n')
  })

  test('takes the progress away when the work has failed', async () => {
    const environment = {
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_MAX_ATTEMPTS: '1',
      NO_COLOR: '1',
    }
    const args = ['create-table', '--region', 'eu-west-1', '--endpoint', 'http://127.0.0.1:1']
    const { exitCode, stderr } = await runCli(args, { environment, isTerminal: true })
    expect(exitCode).toBe(1)
    const clear = '\r\u001B[K'
    expect(stderr.startsWith(`${clear}creating table "sessions"`)).toBe(true)
    expect(stderr).toContain(`"${clear}dynamodb-sessions create-table: `)
  })

  test('ends quietly when nobody reads on', async () => {
    const written: string[] = []
    const io: CommandLineIo = {
      ...outputs(async text => {
        written.push(text)
        throw brokenPipe
      }),
      stdin: (async function* () {})(),
      environment: {},
      signal: new AbortController().signal,
    }
    expect(await runCommandLine(['--help'], io)).toBe(0)
    expect(written).toHaveLength(1)
  })

  test('ends with 1 when not even the failure can be reported', async () => {
    const io: CommandLineIo = {
      ...outputs(async () => {
        throw new Error('the disk is full')
      }),
      stdin: (async function* () {})(),
      environment: {},
      signal: new AbortController().signal,
    }
    expect(await runCommandLine(['--help'], io)).toBe(1)
  })
})
