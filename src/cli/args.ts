import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'

import { shellWord } from '../aws/dynamodb/wire-error.ts'
import { closestMatch, didYouMean } from '../internal/message-text.ts'
import { numberFromText } from '../internal/process-environment.ts'
import { type OptionRow, variableOf } from '../internal/option.ts'
import { type StoreOptions, storeRows } from '../options/store-options.ts'
import { type CommandLineIo, dashed, type Progress, UsageError, writeLine } from './output.ts'

/** An option of a command. One that takes a value has {@link OptionDeclaration.value}; others are switches. */
export interface OptionDeclaration {
  /** Name without the dashes in front. */
  readonly name: string
  /** What stands for the value in the help, for example `name`. */
  readonly value?: string | undefined
  /** Whether the value may be an empty string. */
  readonly mayBeEmpty?: boolean | undefined
  /** Whether the switch has an opposite, `--no-<name>`. */
  readonly hasOpposite?: boolean
  /** Whether the option may be given several times. */
  readonly repeatable?: boolean
  /** What it does, in a few words. */
  readonly description: string
}

/** One command of the command line. */
export interface Command {
  /** What may follow the name of the command, one line for each form. */
  readonly usage: readonly string[]
  /** Paragraphs that explain what the command does. */
  readonly description: readonly string[]
  /** What to say of words that belong to no option; absent in commands that take them. */
  readonly optionsOnly?: string
  /** The options of this command, before those that commands have in common. */
  readonly options: readonly OptionDeclaration[]
  /** Names of the common options that would have no effect here, and are refused. */
  readonly without?: readonly string[]
  /** Command lines to learn from: what each does, and what follows `dynamodb-sessions`. */
  readonly examples: Readonly<Record<string, string>>
  /**
   * Does what the command is for.
   *
   * @returns the exit code, if it is not 0.
   * @throws {UsageError} when the command line makes no sense; and whatever keeps it from doing its work.
   */
  run(context: CommandContext): Promise<number | void>
}

/** What a command has been told, and what it has to do with besides DynamoDB. */
export interface CommandContext extends CommandLineIo {
  readonly args: ParsedArgs
  /** Is taken away when the command has ended. */
  readonly progress: Progress
}

/**
 * Declares options by how they are written: `name` is a switch, `name <value>` takes a value, `name [value]` one that may
 * be empty, and `name <value>...` may be given several times.
 *
 * @param options what each does, in a few words.
 */
export function declared(options: Readonly<Record<string, string>>): readonly OptionDeclaration[] {
  return Object.entries(options).map(([form, description]) => {
    const [, name = '', bracket, value, dots] = /^([\w-]+)(?: ([<[])(.+?)[>\]](\.{3})?)?$/.exec(form) ?? []
    return { name, value, mayBeEmpty: bracket === '[', repeatable: dots !== undefined, description }
  })
}

/** The options of the store that have a flag. */
const storeOptions = Object.entries(storeRows as Readonly<Record<string, OptionRow>>).flatMap(
  ([option, row]) =>
    row.flag === undefined ? [] : [{ option, name: dashed(option), value: row.flag || undefined, row }],
)

/**
 * The options that commands have in common: those of the store that have a flag, which say which table, where and by whom,
 * and which items are sessions; and the output.
 */
export const commonOptions: readonly OptionDeclaration[] = commonOptionsWith({})

/** The common options that a command has. */
export function commonOptionsOf(
  { without = [] }: Pick<Command, 'without'>,
  options: readonly OptionDeclaration[] = commonOptions,
): readonly OptionDeclaration[] {
  return options.filter(({ name }) => !without.includes(name))
}

/** The same, for the help: what options of the store do is in their JSON Schema. */
export async function describedOptionsOf(
  command: Pick<Command, 'without'>,
): Promise<readonly OptionDeclaration[]> {
  const schema = await readFile(new URL('../../schema/options.schema.json', import.meta.url), 'utf8')
  const { properties } = JSON.parse(schema) as OptionsSchema
  return commonOptionsOf(command, commonOptionsWith(properties))
}

/** The JSON Schema of the options of a store. */
interface OptionsSchema {
  readonly properties: Readonly<
    Record<string, { readonly description: string; readonly enum?: readonly string[] }>
  >
}

function commonOptionsWith(properties: OptionsSchema['properties']): readonly OptionDeclaration[] {
  const ofStore = storeOptions.map(({ option, name, value, row }) => ({
    name,
    value,
    hasOpposite: value === undefined,
    mayBeEmpty: row.accepts(''),
    description: inShort(properties[option] ?? { description: '' }),
  }))
  return [...ofStore, ...declared({ json: 'write JSON, for scripts', help: 'explain this command' })]
}

/** The first sentence of a description, the words that the option takes, and the first clause of what is said of its default. */
function inShort({ description, enum: words }: OptionsSchema['properties'][string]): string {
  const [sentence = ''] = description.split(/[.](?:\s|$)/, 1)
  const [, otherwise] = /\nDefault: ([^;]+)/.exec(description) ?? []
  const lowered = sentence.replace(/^[A-Z](?=[a-z])/, initial => initial.toLowerCase())
  const listed = words === undefined ? lowered : `${lowered}; one of ${words.join(', ')}`
  return otherwise === undefined ? listed : `${listed} (default: ${otherwise})`
}

/**
 * The options of a store that a command line gives. Whether it can take these values is up to the rows, which check them.
 *
 * @throws {UsageError} for a switch that is there with its opposite.
 */
export function storeOptionsIn(args: ParsedArgs): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const { option, name, value, row } of storeOptions) {
    const isOff = args.has(`no-${name}`)
    if (isOff && args.has(name)) throw new UsageError(`--${name} and --no-${name} exclude each other`)
    if (isOff) options[option] = false
    else if (args.has(name)) options[option] = value === undefined || row.fromText?.(args.text(name) ?? '')
  }
  return options
}

/** Writes what a command has come to: as JSON with `--json`, else for people. */
export async function writeResult(context: CommandContext, result: unknown, text: string): Promise<void> {
  await context.progress.clear()
  await writeLine(context.stdout, context.args.has('json') ? JSON.stringify(result, undefined, 2) : text)
}

/** A command line, taken apart: the values of the options and what stands on its own. */
export class ParsedArgs {
  readonly positionals: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values
    this.positionals = positionals
  }

  /** Whether an option is there. */
  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The value of an option; `undefined` when it is not there. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  /** The values of an option that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /**
   * The value of an option that takes a number.
   *
   * @throws {UsageError} when it is none, or not as the row says.
   */
  number(name: string, row: OptionRow<number>): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const number = numberFromText(text)
    if (row.accepts(number)) return number
    throw new UsageError(`--${name} must be ${row.takes}`)
  }

  /**
   * The value of an option that takes one of a few words.
   *
   * @throws {UsageError} when it is none of them; the message has the nearest one.
   */
  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = words.find(word => word === text)
    if (found !== undefined) return found
    const listed = words.join(', ').replace(/, ([^,]*)$/, ' or $1')
    throw new UsageError(`--${name} must be ${listed}${didYouMean(closestMatch(text, words))}`)
  }
}

/**
 * Takes a command line apart.
 *
 * @throws {UsageError} for an option that there is not, with the nearest that there is, and for values that are missing
 *   or too many. Values are not repeated in messages: they may be session IDs.
 */
export function parseCommandArgs(args: readonly string[], options: readonly OptionDeclaration[]): ParsedArgs {
  const opposites: readonly OptionDeclaration[] = options
    .filter(({ hasOpposite }) => hasOpposite)
    .map(({ name, description }) => ({ name: `no-${name}`, description }))
  const declarations = new Map([...options, ...opposites].map(option => [option.name, option]))
  // What `strict` refuses it repeats, and it takes any value that begins with a dash for a mistake.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...declarations.values()].map(({ name, value }) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', ...(name === 'help' && { short: 'h' }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = declarations.get(token.name)
    if (option === undefined) throw unknownOption(token.rawName, [...declarations.keys()])
    const earlier = values.get(token.name) ?? []
    if (earlier.length > 0 && option.value !== undefined && option.repeatable !== true) {
      throw new UsageError(`--${token.name} is there twice; give it once`)
    }
    values.set(token.name, [...earlier, checkedValue(option, token.value, token.inlineValue)])
  }
  return new ParsedArgs(values, positionals)
}

function checkedValue(
  { name, value: placeholder, mayBeEmpty = false }: OptionDeclaration,
  value: string | undefined,
  isInline: boolean | undefined,
): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} is a switch and takes no value`)
    return ''
  }
  const needed = `--${name} needs a value: --${name} <${placeholder}>`
  if (value === undefined || (value === '' && !mayBeEmpty)) throw new UsageError(needed)
  if (isInline !== true && value.startsWith('-') && value !== '-') {
    throw new UsageError(`${needed}; write --${name}=<${placeholder}> when it begins with a dash`)
  }
  return value
}

function unknownOption(rawName: string, names: readonly string[]): UsageError {
  if (!rawName.startsWith('--')) {
    return new UsageError(
      'there are no options with one dash but -h; put -- before a session ID that begins with a dash',
    )
  }
  const name = rawName.slice(2)
  const candidate = closestMatch(name, names)
  const shown = /^[\w-]{1,40}$/.test(name) ? `--${name}` : 'of that name'
  return new UsageError(`there is no option ${shown}${didYouMean(candidate && `--${candidate}`)}`)
}

/** A message about an option of the library, in the words of a command: by its flag, or by its variable. */
export function inOptionNames(message: string, command?: string): string {
  const inFlags = message
    .replaceAll('set the option "userIndex" to false', 'give --no-user-index')
    .replaceAll('pass the option "credentials"', 'give --profile')
  return inFlags
    .replaceAll(/\bin "(layout|partitionKey)"/g, (_, name: string) => `in --${dashed(name)}`)
    .replaceAll(/(?:the )?option "(\w+)"/g, (inCode, name: string) => {
      if (name === 'migrateFrom' && command === 'migrate') return '--from'
      const row = (storeRows as Readonly<Record<string, OptionRow>>)[name]
      if (row?.flag !== undefined || FLAGS_OF_COMMANDS.has(name)) return `--${dashed(name)}`
      if (row?.fromText !== undefined) return variableOf(name)
      // Neither a flag nor a variable has it: it is for code.
      return `${inCode} of the store`
    })
}

/** Options of `createTable` that its command has, too. */
const FLAGS_OF_COMMANDS: ReadonlySet<string> = new Set(['billing', 'replicas', 'consistency', 'witness'])

/**
 * A message about a table, in the words of a command. Commands in it are told where the table is, as far as
 * that does not come from where the AWS CLI looks, too.
 */
export function aboutTable(
  message: string,
  { region, endpoint, profile }: Pick<StoreOptions, 'region' | 'endpoint' | 'profile'>,
): string {
  const flagsWith = (endpointName: string): string =>
    Object.entries({ region, [endpointName]: endpoint, profile })
      .flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${shellWord(value)}`]))
      .join('')
  return inOptionNames(
    message
      .replaceAll(/\baws dynamodb [a-z-]+/g, command => command + flagsWith('endpoint-url'))
      // The command that creates a table knows where from the error.
      .replaceAll(
        /\bnpx dynamodb-sessions (?!create-table --table)[a-z-]+/g,
        command => command + flagsWith('endpoint'),
      ),
  )
}
