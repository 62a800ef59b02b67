import { isJsonObject, isObject, withinDateRange } from '../internal/core-objects.ts'
import type { Item } from '../types.ts'

/*
 * Attribute values as they come off the wire, where they need not be what their type says.
 */

/** A number above this is not a time in seconds (it would be after the year 5000) but in milliseconds. */
export const LARGEST_SECONDS = 1e11

/** The text of an attribute of type S; `undefined` for anything else. */
export function textOf(value: unknown): string | undefined {
  return stringIn(value, 'S')
}

/** The number of an attribute of type N; `undefined` for anything else. */
export function numberOf(value: unknown): number | undefined {
  const text = numberTextOf(value)
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** The digits of an attribute of type N, of which a number may lose some; `undefined` for anything else. */
export function numberTextOf(value: unknown): string | undefined {
  return stringIn(value, 'N')
}

/** The base64 text of an attribute of type B; `undefined` for anything else. */
export function binaryOf(value: unknown): string | undefined {
  return stringIn(value, 'B')
}

/** The entries of an attribute of type M; `undefined` for anything else. */
export function mapOf(value: unknown): Item | undefined {
  const content = contentOf(value, 'M')
  return isJsonObject(content) ? (content as Item) : undefined
}

/**
 * A moment in milliseconds, from a number that is in seconds or, when that makes no sense, in milliseconds. An attribute can
 * hold numbers that are far from any moment: those become the first or the last that a `Date` can hold.
 */
export function epochMsOf(secondsOrMs: number): number {
  return withinDateRange(secondsOrMs > LARGEST_SECONDS ? secondsOrMs : secondsOrMs * 1000)
}

function stringIn(value: unknown, type: 'S' | 'N' | 'B'): string | undefined {
  const content = contentOf(value, type)
  return typeof content === 'string' ? content : undefined
}

function contentOf(value: unknown, type: string): unknown {
  return isObject(value) ? Reflect.get(value, type) : undefined
}
