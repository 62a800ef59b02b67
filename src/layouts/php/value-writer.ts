import { isUint8Array } from '../../internal/core-objects.ts'
import { isElements, phpValue } from './js-values.ts'
import type { PhpElements, PhpValue } from './js-values.ts'
import type { PhpLimits } from './limits.ts'
import { resolveLinks } from './node.ts'
import type { ArrayNode, ObjectNode, PhpNode, PhpSource } from './node.ts'
import { type EmptyArray, NodeReader } from './node-reader.ts'
import { NodeWriter } from './node-writer.ts'
import { formatPhpFloat, isInt64 } from './numbers.ts'
import { PhpObject, PhpReference } from './opaque.ts'
import { keyIdentity } from './php-array.ts'
import type { PhpKey } from './php-array.ts'
import { areSameBytes, isPhpInteger, isSamePhpValue } from './same-value.ts'
import { PhpBytes } from './values.ts'
import type { PhpFloat } from './values.ts'
import { isWellFormed } from './utf8.ts'

/**
 * Tells what of a session is still as it was read.
 *
 * @internal
 */
export class UnchangedValues {
  readonly #readers: readonly NodeReader[]

  /** @param around an array that what was read is in. */
  constructor(emptyArray: EmptyArray, around?: ArrayNode) {
    // Data may come from either way of reading, or have parts of both.
    this.#readers = [new NodeReader(emptyArray, around), new NodeReader(emptyArray, around, true)]
  }

  /** Whether a value is what a node was read as. */
  has(value: unknown, node: PhpNode): boolean {
    return this.#readers.some(reader => isSamePhpValue(value, reader.read(node)))
  }
}

/**
 * Writes JavaScript values, taking from nodes that were read before what has not changed.
 *
 * @internal
 */
export class ValueWriter {
  readonly nodes: NodeWriter
  readonly #unchanged: UnchangedValues
  readonly #basis: PhpSource | undefined
  readonly #open = new Set<object>()
  /** What arrays that have other names in PHP have become, to go on having them. */
  readonly #renamed = new Map<PhpNode, { readonly container: object; readonly slot: number }>()

  /**
   * @param unchanged tells what of the basis is as it was.
   * @param basis what was read before, as a whole.
   */
  constructor(limits: Required<PhpLimits>, unchanged: UnchangedValues, basis?: PhpSource) {
    this.nodes = new NodeWriter(limits)
    this.#unchanged = unchanged
    this.#basis = basis
  }

  /**
   * Writes a value.
   *
   * @param value as `unwrap` makes it.
   * @param basis what PHP had in this place.
   */
  write(value: unknown, basis: PhpNode | undefined, depth = 1): void {
    if (basis !== undefined && this.#unchanged.has(value, basis)) {
      this.nodes.writeVariable(basis, depth)
      return
    }
    const written = phpValue(value)
    if (isElements(written)) this.#array(written, basis, depth)
    else this.#leaf(written, depth)
  }

  /** Writes `a:3:{`, for elements that are written next and a `}`. */
  openArray(count: number): void {
    this.nodes.out.ascii(`a:${count}:{`)
  }

  /** Writes the key of an element. */
  key(key: PhpKey): void {
    const { out } = this.nodes
    if (key instanceof PhpBytes) out.string(key.bytes)
    else if (typeof key !== 'string') out.ascii(`i:${key};`)
    else if (!isWellFormed(key)) {
      throw this.nodes.refusal('has a key with half a surrogate pair, which UTF-8 has no bytes for')
    } else out.string(key)
  }

  #array({ container, elements }: PhpElements, basis: PhpNode | undefined, depth: number): void {
    const name = basis === undefined ? undefined : this.#renamed.get(resolveLinks(basis))
    if (basis?.kind === 'link' && name?.container === container && this.nodes.writeReference(name.slot))
      return
    if (this.#open.has(container)) throw this.nodes.refusal('contains itself')
    this.nodes.checkDepth(depth)
    const slot = this.nodes.takeSlot()
    // What is behind another name has its place elsewhere: what is in it is not to be referred to from here.
    const old = basis?.kind === 'array' ? basis : undefined
    if (old !== undefined) {
      this.nodes.markRewritten(old, slot)
      this.#renamed.set(old, { container, slot })
    }
    this.#open.add(container)
    this.openArray(elements.length)
    const oldValues = valuesByKey(old)
    for (const [key, value] of elements) {
      this.key(key)
      this.write(value, oldValues?.get(keyIdentity(key)), depth + 1)
    }
    this.nodes.out.ascii('}')
    this.#open.delete(container)
  }

  /** The node of an object in the basis, when that is what the object was read from. */
  #currentNode(node: ObjectNode): ObjectNode {
    const basis = this.#basis
    if (basis === undefined || node.source === basis || !areSameBytes(node.source.bytes, basis.bytes))
      return node
    return basis.objects.get(node.start) ?? node
  }

  #leaf(value: Exclude<PhpValue, PhpElements>, depth: number): void {
    if (value instanceof PhpObject) {
      this.nodes.writeHandle(this.#currentNode(PhpObject.nodeOf(value)), depth)
      return
    }
    if (value instanceof PhpReference) {
      this.nodes.writeLink(PhpReference.nodeOf(value), depth)
      return
    }
    this.nodes.takeSlot()
    const { out } = this.nodes
    if (typeof value === 'string' || isUint8Array(value)) out.string(value)
    else out.ascii(this.#scalar(value))
  }

  #scalar(value: null | boolean | number | bigint | PhpFloat): string {
    if (value === null) return 'N;'
    if (typeof value === 'boolean') return value ? 'b:1;' : 'b:0;'
    if (typeof value === 'bigint') {
      if (!isInt64(value)) throw this.nodes.refusal('has an integer of more than 64 bits')
      return `i:${value};`
    }
    if (typeof value === 'number' && isPhpInteger(value)) return `i:${value};`
    return `d:${formatPhpFloat(Number(value))};`
  }
}

function valuesByKey(node: ArrayNode | undefined): Map<number | bigint | string, PhpNode> | undefined {
  if (node === undefined) return undefined
  return new Map(node.entries.map(({ key, value }) => [keyIdentity(key), value]))
}
