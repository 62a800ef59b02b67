import { hash } from 'node:crypto'

import { LATEST_MS } from '../internal/date-range.ts'

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const
const HASH = /^[\w-]{43}$/

/** How keys of sessions are made, and whether session IDs may be shown. */
export interface KeyNaming {
  readonly prefix: string
  readonly hashIds: boolean
  readonly showData: boolean
}

/** A text without characters that a terminal would act on: what others wrote into a table is not to be trusted. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, character => {
    return character === '\n' ? '\n' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

/**
 * A key as it may be shown: a hash as it is; a session ID only when that is asked for, else something that tells it from
 * others and leads nowhere.
 */
export function shownKey(key: string, { prefix, hashIds, showData }: KeyNaming): string {
  const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
  if (showData || (hashIds && HASH.test(name))) return printable(key)
  return `${printable(key.startsWith(prefix) ? prefix : '')}(hidden ${hash('sha256', key, 'hex').slice(0, 10)})`
}

/** A moment, to the second, in UTC. */
export function isoTime(epochMs: number): string {
  if (!(Math.abs(epochMs) <= LATEST_MS)) return 'never'
  return `${new Date(Math.floor(epochMs / 1000) * 1000).toISOString().slice(0, -'.000Z'.length)}Z`
}

/** A length of time in its two largest units. */
export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds === 0) return `${Math.round(Math.abs(ms))} ms`
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** A number of bytes in the unit that suits it. */
export function byteSize(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${UNITS[unit]}`
}

/** A number and what is counted. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : several}`
}

/** Names and what belongs to them, one pair a line. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}
