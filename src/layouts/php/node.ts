import type { PhpKey } from './php-array.ts'
import type { PhpBytes } from './values.ts'

/** What the nodes of one serialised text share. */
export interface PhpSource {
  /** The bytes that were read. */
  bytes: Uint8Array
  /** Whether there are back references or objects, which there may be references to; without, bytes are just copied. */
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

/** `N`, `b`, `i` and `d`. */
export interface ScalarNode extends AnyNode {
  readonly kind: 'scalar'
  readonly value: null | boolean | number | bigint
}

/** `s` and `S`. */
export interface StringNode extends AnyNode {
  readonly kind: 'string'
  readonly value: string | PhpBytes
}

/** One element of an array, or one property of an object. */
export interface PhpEntry {
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
export type PhpNode = ScalarNode | StringNode | ArrayNode | ObjectNode | LinkNode

/** The value behind links; a link when that is uncertain. */
export function resolveLinks(node: PhpNode): PhpNode {
  let resolved = node
  while (resolved.kind === 'link' && resolved.target !== undefined) resolved = resolved.target
  return resolved
}
