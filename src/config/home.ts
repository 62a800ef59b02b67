import { homedir } from 'node:os'
import { parse, sep } from 'node:path'
import { type Environment, variable } from './environment.ts'

/**
 * The user's home directory, under which AWS tools keep `.aws`: `HOME`, else `USERPROFILE`, else `HOMEDRIVE`
 * (`C:\` when unset) followed by `HOMEPATH`, else what the operating system says.
 *
 * In a container whose user is in no user database there may be no such thing: then it is the root directory, and
 * never the working directory, whose files are not the user's.
 */
export function homeDirectory(environment: Environment): string {
  const home = variable(environment, 'HOME') ?? variable(environment, 'USERPROFILE')
  if (home !== undefined) return home
  const homePath = variable(environment, 'HOMEPATH')
  if (homePath !== undefined) return `${variable(environment, 'HOMEDRIVE') ?? `C:${sep}`}${homePath}`
  return homeOfSystemUser()
}

function homeOfSystemUser(): string {
  const root = parse(process.cwd()).root
  try {
    return homedir() || root
  } catch {
    return root
  }
}
