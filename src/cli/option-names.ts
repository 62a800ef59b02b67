import { shellWord } from '../aws/dynamodb/wire-error.ts'
import { type OptionRow, variableOf } from '../internal/option.ts'
import { type StoreOptions, storeRows } from '../options/store-options.ts'
import { dashed } from './output.ts'

/** A message about an option of the library, in the words of a command: by its flag, or by its variable. */
export function inOptionNames(message: string, command?: string): string {
  const inFlags = message.replaceAll('set the option "userIndex" to false', 'give --no-user-index')
  return inFlags.replaceAll(/(?:the )?option "(\w+)"/g, (_, name: string) => {
    if (name === 'migrateFrom' && command === 'migrate') return '--from'
    const row = (storeRows as Readonly<Record<string, OptionRow>>)[name]
    return row?.fromText === undefined || row.flag !== undefined ? `--${dashed(name)}` : variableOf(name)
  })
}

/**
 * A message about a table, in the words of a command. Commands of the AWS CLI in it are told where the table is, as far as
 * that does not come from where that CLI looks, too.
 */
export function aboutTable(
  message: string,
  { region, endpoint, profile }: Pick<StoreOptions, 'region' | 'endpoint' | 'profile'>,
): string {
  const flags = Object.entries({ region, 'endpoint-url': endpoint, profile })
    .flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${shellWord(value)}`]))
    .join('')
  return inOptionNames(message.replaceAll(/\baws dynamodb [a-z-]+/g, command => command + flags))
}
