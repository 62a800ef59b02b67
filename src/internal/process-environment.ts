/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The environment variables of this process. One that it may not read, as in Deno without `--allow-env`, counts as unset.
 */
export function processEnvironment(): Environment {
  return Reflect.has(globalThis, 'Deno') ? readable : process.env
}

/** Whether this process may not read a variable, so that nobody knows whether it is set. */
export function isWithheld(name: string): boolean {
  try {
    Reflect.get(process.env, name)
    return false
  } catch {
    return true
  }
}

const DECIMAL = /^\s*\d+(?:\.\d+)?\s*$/

/**
 * The number that a setting is, as an environment variable or the command line has it: decimal digits, perhaps with a
 * fraction, and blanks around them.
 *
 * @returns NaN for anything else. What JavaScript also reads as a number (blanks as 0, `0x10`, `1e3`, `Infinity`) is more
 *   likely a mistake than a setting.
 */
export function numberFromText(text: string): number {
  return DECIMAL.test(text) ? Number(text) : Number.NaN
}

const readable: Readonly<Record<string, string | undefined>> = new Proxy<Record<string, string | undefined>>(
  {},
  {
    get: (_, name) => valueOf(name),
    has: (_, name) => valueOf(name) !== undefined,
    ownKeys: () => {
      try {
        return Reflect.ownKeys(process.env)
      } catch {
        return []
      }
    },
    getOwnPropertyDescriptor: (_, name) => {
      const value = valueOf(name)
      return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: true }
    },
  },
)

function valueOf(name: string | symbol): unknown {
  return typeof name === 'symbol' || isWithheld(name) ? undefined : process.env[name]
}

/** Warns the operator of this process. */
export function warn(message: string): void {
  process.emitWarning(message, 'DynamoDBSessionsWarning')
}

/** What has been warned of, by subject. */
const warnedOf = new Map<string, Set<string>>()
const MOST_WARNINGS_OF_SUBJECT = 5

/** Warns of a subject, such as an option that each call may have another value of: once of each fault, and of a few in all. */
export function warnAFewTimes(subject: string, fault: string): void {
  const warned = warnedOf.get(subject) ?? new Set()
  if (warned.has(fault) || warned.size === MOST_WARNINGS_OF_SUBJECT) return
  warnedOf.set(subject, warned.add(fault))
  warn(`${subject} ${fault}`)
}
