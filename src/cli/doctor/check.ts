import { isError } from '../../internal/core-objects.ts'

/** What came out of one check. `skip`: it could not be made. */
export type Level = 'pass' | 'warn' | 'fail' | 'skip'

/** One check of `doctor` and what came out of it. */
export interface Check {
  readonly name: string
  readonly level: Level
  /** What was found. */
  readonly found: string
  /** What to do about it; absent when there is nothing to do. */
  readonly fix?: string
}

/** Makes a {@link Check}. */
export function check(level: Level, name: string, found: string, fix?: string): Check {
  return { name, level, found, ...(fix !== undefined && { fix }) }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error)
}
