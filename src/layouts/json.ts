import { corrupt, invalidSessionData } from '../errors.ts'
import { isJsonObject, isObject } from '../internal/core-objects.ts'
import type { SessionData } from '../types.ts'
import type { SessionCodec } from './layout.ts'

/** Session data as JSON text. */
export const jsonCodec: SessionCodec = {
  encode: stringifySessionData,
  decode: parseSessionData,
  decodeExactly: parseSessionData,
  isSame: isSameJson,
  differingParts,
}

/** What the sessions of express-session begin with. */
const COOKIE_FIRST = '{"cookie":{'
const COOKIE_ANYWHERE = '"cookie":'

/** `JSON.stringify`, which frameworks call as well, overflows the stack not far beyond. */
const DEEPEST = 3200

const BLOCK_CHARACTERS = 128
const QUOTE = 34
export const COMMA = 44
export const COLON = 58
const OPENING_BRACKET = 91
const BACKSLASH = 92
const CLOSING_BRACKET = 93
const OPENING_BRACE = 123
const CLOSING_BRACE = 125

/**
 * Session data as JSON text.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what JSON cannot carry: no object, a cycle, a BigInt; and for data that are
 *   nested too deep.
 */
export function stringifySessionData(data: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    const problem = 'the session data cannot be written as JSON; see the cause'
    throw invalidSessionData(problem, { cause })
  }
  if (text === undefined || !text.startsWith('{')) {
    throw invalidSessionData('session data must be an object')
  }
  if (isNestedDeeper(text, DEEPEST)) {
    throw invalidSessionData(`the session data are nested deeper than ${DEEPEST} levels`)
  }
  return text
}

/**
 * Session data from JSON text.
 *
 * @throws {SessionCorruptError} when the text is not a JSON object, or is nested too deep.
 */
export function parseSessionData(text: string): SessionData {
  if (isNestedDeeper(text, DEEPEST)) {
    throw corrupt(`the stored session is nested deeper than ${DEEPEST} levels`)
  }
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    // The SyntaxError quotes the text: session data, which no error may carry (G9).
    throw corrupt('the stored session is not JSON')
  }
  if (isJsonObject(data)) return data
  throw corrupt('the stored session is not a JSON object')
}

/** Whether two JSON values are the same, whatever the order of their keys and however deep they are nested. */
export function isSameJson(left: unknown, right: unknown): boolean {
  const pairs: [left: unknown, right: unknown][] = [[left, right]]
  // Not by calling itself: deep data would overflow the stack.
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [ours, theirs] = pair
    if (ours === theirs) continue
    if (!isObject(ours) || !isObject(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) return false
    const keys = Object.keys(ours)
    if (keys.length !== Object.keys(theirs).length) return false
    for (const key of keys) {
      // A key may be called "__proto__" or "constructor": only own properties count.
      if (!Object.hasOwn(theirs, key)) return false
      const mine: unknown = Reflect.get(ours, key)
      const other: unknown = Reflect.get(theirs, key)
      if (mine !== other) pairs.push([mine, other])
    }
  }
  return true
}

/**
 * The first bracket, colon or comma of a JSON text that is wanted; those in strings are none.
 *
 * @param start offset of what is looked at first, outside of a string.
 * @param isWanted gets how deep in brackets the text is behind the character.
 * @returns its offset.
 */
export function findInStructure(
  text: string,
  start: number,
  isWanted: (depth: number, index: number, character: number) => boolean,
): number | undefined {
  let isInString = false
  for (let depth = 0, index = start; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) {
      isInString = !isInString
      continue
    }
    if (isInString) {
      if (character === BACKSLASH) index++
      continue
    }
    if (character === OPENING_BRACE || character === OPENING_BRACKET) depth++
    else if (character === CLOSING_BRACE || character === CLOSING_BRACKET) depth--
    else if (character !== COLON && character !== COMMA) continue
    if (isWanted(depth, index, character)) return index
  }
  return undefined
}

/** Whether arrays and objects in a JSON text are nested deeper than so many levels. */
function isNestedDeeper(text: string, levels: number): boolean {
  // Each level has a bracket at both ends: nearly every text has too few to be looked at character by character.
  if (text.length <= 2 * levels || !hasMore(text, levels)) return false
  return findInStructure(text, 0, depth => depth > levels) !== undefined
}

/** Whether a text has more than so many opening brackets, those in strings included. */
function hasMore(text: string, count: number): boolean {
  let found = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++found > count) return true
    }
  }
  return false
}

/**
 * Large sessions are saved for one small change, or for none but that of the cookie: neither is worth decoding all of both
 * versions.
 */
function differingParts(left: string, right: string): readonly [left: string, right: string] | undefined {
  const leftEnd = endOfFirstCookie(left)
  const rightEnd =
    leftEnd !== undefined && right.startsWith(left.slice(0, leftEnd)) ? leftEnd : endOfFirstCookie(right)
  if (leftEnd === undefined || rightEnd === undefined) {
    const hasCookie = left.includes(COOKIE_ANYWHERE) || right.includes(COOKIE_ANYWHERE)
    return hasCookie || maySayTheSame(left, right) ? [left, right] : undefined
  }
  const [leftRest, rightRest] = [left.slice(leftEnd), right.slice(rightEnd)]
  if (leftRest === rightRest) return [`${left.slice(0, leftEnd)}}`, `${right.slice(0, rightEnd)}}`]
  return maySayTheSame(leftRest, rightRest) ? [left, right] : undefined
}

/** Whether two texts may be the same keys and values in another order: they consist of the same characters then. */
function maySayTheSame(left: string, right: string): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let start = 0; start < left.length; start += BLOCK_CHARACTERS) {
    const leftBlock = left.slice(start, start + BLOCK_CHARACTERS)
    const rightBlock = right.slice(start, start + BLOCK_CHARACTERS)
    // Most blocks are the same, which takes far less time to see as a whole than character by character.
    if (leftBlock === rightBlock) continue
    for (let index = 0; index < leftBlock.length; index++) {
      difference += leftBlock.charCodeAt(index) - rightBlock.charCodeAt(index)
    }
  }
  return difference === 0
}

/** Where the cookie ends that a JSON text begins with; `undefined` when it begins with something else. */
function endOfFirstCookie(text: string): number | undefined {
  if (!text.startsWith(COOKIE_FIRST)) return undefined
  const end = findInStructure(text, COOKIE_FIRST.length - 1, depth => depth === 0)
  return end === undefined ? undefined : end + 1
}

/**
 * JSON in which values differ that JSON writes alike, or not at all, although PHP tells them apart: `NaN`, infinities,
 * `-0`, BigInts and `PhpFloat`. It is for comparing and for showing, not for storing.
 *
 * @returns `undefined` for what has no such text, a value that contains itself for example.
 */
export function tellingJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, tell)
  } catch {
    return undefined
  }
}

/**
 * Lets `JSON.stringify` make {@link tellingJson} of an object: frameworks compare the JSON of a session to see whether it has
 * changed, and JSON refuses a BigInt.
 *
 * @param without a key to leave out.
 */
export function defineTellingJson(object: object, without?: string): void {
  // Data that have a key of that name keep it.
  if (Object.prototype.propertyIsEnumerable.call(object, 'toJSON')) return
  Object.defineProperty(object, 'toJSON', {
    configurable: true,
    value: () => {
      const data = Object.fromEntries(Object.entries(object).filter(([key]) => key !== without))
      const text = tellingJson(data)
      return text === undefined ? data : (JSON.parse(text) as object)
    },
  })
}

const LIKE_BIGINT = /^-?\d+n$/

/** A replacer of `JSON.stringify`, which calls it with the object that has the key. */
function tell(this: unknown, key: string, written: unknown): unknown {
  if (typeof written === 'bigint') return `${written}n`
  // No data are mistaken for these objects: a copy of one of PHP's values cannot be stored.
  if (typeof written === 'string')
    return LIKE_BIGINT.test(written) ? { '@php': 'text', digits: written.slice(0, -1) } : written
  if (typeof written !== 'number') return written
  if (Object.is(written, -0)) return { '@php': 'float', value: '-0' }
  if (!Number.isFinite(written)) return { '@php': 'float', value: String(written) }
  // A PhpFloat has turned itself into its number by now.
  const original: unknown = isObject(this) ? Reflect.get(this, key) : undefined
  const isFloat = isObject(original) && Reflect.get(original, '@php') === 'float'
  return isFloat ? { '@php': 'float', value: written } : written
}
