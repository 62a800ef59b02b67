import type { Invocation } from './invocation.ts'
import type { CommandLineIo } from './io.ts'

/** An option of a command. One that takes a value has {@link OptionDeclaration.value}; others are switches. */
export interface OptionDeclaration {
  /** Name without the dashes in front. */
  readonly name: string
  /** What stands for the value in the help, for example `name`. */
  readonly value?: string
  /** Whether the value may be an empty text. */
  readonly mayBeEmpty?: boolean
  /** Whether the option may be given several times. */
  readonly repeatable?: boolean
  /** What it does, in a few words. */
  readonly description: string
}

/** A command line to learn from. */
export interface Example {
  readonly what: string
  /** What follows `dynamodb-sessions`. */
  readonly line: string
}

/** One command of the command line. */
export interface Command {
  /** What may follow the name of the command, one line for each form. */
  readonly usage: readonly string[]
  /** Paragraphs that explain what the command does. */
  readonly description: readonly string[]
  /** The options of this command, before those that commands have in common. */
  readonly options: readonly OptionDeclaration[]
  /** Names of the common options that would have no effect here, and are refused. */
  readonly without?: readonly string[]
  readonly examples: readonly Example[]
  /**
   * Does what the command is for.
   *
   * @returns the exit code.
   * @throws {UsageError} when the command line makes no sense; and whatever keeps it from doing its work.
   */
  run(invocation: Invocation, io: CommandLineIo): Promise<number>
}

/** What the exit codes mean. They are a contract: `docs/cli.md`. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  doctorFoundFailures: 3,
  noSuchSession: 4,
  interrupted: 130,
  terminated: 143,
} as const

/** The command line makes no sense; the message says what is wrong and how to mend it. */
export class UsageError extends Error {
  static {
    this.prototype.name = 'UsageError'
  }
}
