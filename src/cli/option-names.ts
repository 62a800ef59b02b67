import { type OptionRow, variableOf } from '../options/option.ts'
import { storeRows } from '../options/store-options.ts'
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
