import { codeOf, isError, messageOf } from '../internal/core-objects.ts'
import { EXIT, UsageError } from './command.ts'
import type { CommandLineIo } from './io.ts'
import { printable } from './format.ts'
import { painter } from './style.ts'

/** What is said about a failure, and the exit code for it. */
export interface FailureReport {
  readonly lines: readonly string[]
  readonly exitCode: number
}

/** Failures that `doctor` has nothing to say about. */
const UNRELATED_TO_SETUP: ReadonlySet<string> = new Set([
  'SESSION_CORRUPT',
  'SESSION_DECRYPTION_FAILED',
  'SESSION_TOO_LARGE',
])

/** Says what went wrong and what to do about it, without a stack trace unless it is a mistake of this package. */
export function describeFailure(
  error: unknown,
  command: string | undefined,
  { stderr, environment }: Pick<CommandLineIo, 'stderr' | 'environment'>,
): FailureReport {
  const paint = painter(stderr, environment)
  const title = paint('red', command === undefined ? 'dynamodb-sessions:' : `dynamodb-sessions ${command}:`)
  const help = `see: dynamodb-sessions ${command === undefined ? '--help' : `${command} --help`}`
  if (error instanceof UsageError) {
    return { lines: [`${title} ${printable(error.message)}`, help], exitCode: EXIT.usage }
  }
  const code = codeOf(error)
  const message = printable(inOptionNames(messageOf(error) ?? String(error), command))
  if (code === 'INVALID_OPTION' || code === 'INVALID_ARGUMENT' || code === 'INVALID_SESSION_ID') {
    return {
      lines: [`${title} ${message}`, help],
      exitCode: EXIT.usage,
    }
  }
  const lines = [`${title} ${message}`]
  if (code === undefined) {
    // Not an error that anybody foresaw: where it happened is all that helps.
    if (isError(error) && error.stack !== undefined) lines.push(error.stack)
  } else if (command !== 'doctor' && !UNRELATED_TO_SETUP.has(code)) {
    lines.push('dynamodb-sessions doctor finds out what is wrong with the setup')
  }
  return { lines, exitCode: EXIT.failure }
}

/** A message about an option of the library, in the words of a command. */
export function inOptionNames(message: string, command?: string): string {
  const inFlags = message.replaceAll('set the option "userIndex" to false', 'give --no-user-index')
  return inFlags.replaceAll(/(?:the )?option "(\w+)"/g, (_, name: string) => {
    if (name === 'migrateFrom') return command === 'migrate' ? '--from' : 'DYNAMODB_SESSIONS_MIGRATE_FROM'
    return `--${name.replaceAll(/[A-Z]/g, '-$&').toLowerCase()}`
  })
}
