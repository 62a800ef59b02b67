import { invalidOption } from '../../errors.ts'
import type { PhpBytes, PhpKey } from './values.ts'

/** What the nodes of one serialised text share. */
export interface PhpSource {
  /** What was read, one character for each byte. */
  readonly text: string
  /** Whether there are back references or objects, which there may be references to; without, text is just copied. */
  tangled: boolean
  /** The variables that have other names. */
  readonly named: Set<PhpNode>
  /** The objects, by where they start. */
  readonly objects: Map<number, ObjectNode>
}

interface AnyNode {
  readonly source: PhpSource
  /** Offset of the first byte. */
  readonly start: number
  /** Offset behind the last byte. */
  end: number
  /** How many numbers PHP gives to the value and what is in it; back references count in these. */
  slotCount: number
  /** How many arrays and objects nest in it, itself included. */
  height: number
  /** How many values it is, with arrays that references repeat counted again. */
  weight: number
}

/** `N`, `b`, `i`, `d`, `s` and `S`. */
export interface ScalarNode extends AnyNode {
  readonly kind: 'scalar'
  readonly value: null | boolean | number | bigint | string | PhpBytes
}

/** One element of an array, or one property of an object. */
interface PhpEntry {
  readonly key: PhpKey
  /** Offset of the key. */
  readonly start: number
  readonly value: PhpNode
}

/** `a`. */
export interface ArrayNode extends AnyNode {
  readonly kind: 'array'
  readonly entries: PhpEntry[]
  /** Offset behind the opening brace. */
  bodyStart: number
  /** How deep it is nested while it is being read; 0 afterwards. */
  openDepth: number
}

/** `O`, `E` and `C`. */
export interface ObjectNode extends AnyNode {
  readonly kind: 'object'
  readonly letter: 'O' | 'E' | 'C'
  readonly className: string
  /** Properties of `O`. */
  readonly entries: PhpEntry[]
  /** Offset behind the opening brace; for `E` the same as `end`. */
  bodyStart: number
  /** What `standaloneText` has made of it. */
  standalone: string | undefined
}

/** `R`, another name of a variable, and `r`, an object once more. */
export interface LinkNode extends AnyNode {
  readonly kind: 'link'
  readonly letter: 'R' | 'r'
  /** The number it names. */
  readonly slot: number
  /** What has this number; `undefined` when an object with a format of its own made the numbers uncertain. */
  readonly target: PhpNode | undefined
  /** How many levels up the array is that it names and is in; 0 when it is in none such. */
  readonly levelsUp: number
}

/** A value as PHP wrote it, with its place in the bytes. */
export type PhpNode = ScalarNode | ArrayNode | ObjectNode | LinkNode

/** The value behind links; a link when that is uncertain. */
export function resolveLinks(node: PhpNode): PhpNode {
  let resolved = node
  while (resolved.kind === 'link' && resolved.target !== undefined) resolved = resolved.target
  return resolved
}

/** Whether JavaScript cannot hold what is behind a link in its place. */
export function isReference(link: LinkNode): boolean {
  return link.levelsUp > 0 || resolveLinks(link).kind === 'link'
}

/** Whether two links that JavaScript cannot follow mean the same. */
export function areSameLinks(left: LinkNode, right: LinkNode): boolean {
  if (left === right) return true
  // Numbers change with what is before them; how far around the place an array is does not.
  if (left.levelsUp > 0 || right.levelsUp > 0) return left.levelsUp === right.levelsUp
  return left.letter === right.letter && left.slot === right.slot
}

/** Whether two nodes are the same place of the same text. */
export function isSamePlace(left: PhpNode, right: PhpNode): boolean {
  return left === right || (left.start === right.start && left.source.text === right.source.text)
}

/** How much may be read or written. */
export interface PhpLimits {
  /**
   * How deep arrays and objects may nest: 1 is a session variable that is an array. From 1 to 1000. PHP's own limit
   * is 4096, which no session comes near.
   *
   * @default 512
   */
  readonly maxDepth?: number
  /**
   * How many bytes may be read or written. An item of DynamoDB holds 409,600.
   *
   * @default 1048576
   */
  readonly maxBytes?: number
}

/** The most that `maxDepth` can be: deeper values would not fit the stack of the functions that walk them. */
export const DEEPEST = 1000

/**
 * The limits, with the defaults filled in.
 *
 * @throws {TypeError} `INVALID_OPTION` when a limit is not a number that it can be.
 * @internal
 */
export function limitsOf(options: PhpLimits): Required<PhpLimits> {
  const { maxDepth = 512, maxBytes = 1_048_576 } = options
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > DEEPEST) {
    throw invalidOption(`the option "maxDepth" must be an integer from 1 to ${DEEPEST}`)
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw invalidOption('the option "maxBytes" must be a positive integer')
  }
  return { maxDepth, maxBytes }
}
