import { invalidOption } from '../../errors.ts'
import { areSameLeaves, isElements, type PhpElements, phpValue, scalarText, unwrap } from './js-values.ts'
import {
  areSameLinks,
  type ArrayNode,
  isReference,
  isSamePlace,
  limitsOf,
  type ObjectNode,
  type PhpLimits,
  type PhpNode,
  type PhpSource,
  resolveLinks,
} from './node.ts'
import { type EmptyArray, isIntegralFloat, NodeReader, PhpObject, PhpReference } from './node-reader.ts'
import { areSameObjects, NodeWriter } from './node-writer.ts'
import { parseOne } from './parser.ts'
import {
  bytesOf,
  byteText,
  isInt64,
  isWellFormed,
  keyIdentity,
  PhpBytes,
  PhpFloat,
  type PhpKey,
} from './values.ts'

/** Options of {@link phpUnserialize}. */
export interface PhpUnserializeOptions extends PhpLimits {
  /**
   * What the empty PHP array becomes, of which PHP does not say whether it is a list: `[]` or `{}`.
   *
   * @default 'list'
   */
  readonly emptyArray?: EmptyArray
}

/**
 * Writes a value as PHP's `serialize()` does.
 *
 * `docs/php-serialisation.md` says what is written for which JavaScript value; what JSON leaves out, `undefined`, is
 * `N;` here.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what PHP has nothing for, such as a `Map` or a value that contains
 *   itself, and for what breaks a limit; `INVALID_OPTION` when an option is not what it can be.
 */
export function phpSerialize(value: unknown, options: PhpLimits = {}): Uint8Array {
  const writer = new ValueWriter(limitsOf(options))
  writer.write(unwrap(value, ''), undefined)
  return bytesOf(writer.text)
}

/**
 * Reads what PHP's `serialize()` wrote, without ever making an instance of anything.
 *
 * `docs/php-serialisation.md` says what becomes of which PHP value.
 *
 * @throws {PhpFormatError} when the bytes are not one serialised value and nothing else, or break a limit.
 * @throws {TypeError} `INVALID_OPTION` when an option is not what it can be.
 */
export function phpUnserialize(bytes: Uint8Array, options: PhpUnserializeOptions = {}): unknown {
  return new NodeReader(emptyArrayOf(options)).read(parseOne(byteText(bytes), limitsOf(options)))
}

/**
 * The option `emptyArray`.
 *
 * @throws {TypeError} `INVALID_OPTION` when it is neither of the two.
 * @internal
 */
export function emptyArrayOf({
  emptyArray = 'list',
}: {
  readonly emptyArray?: EmptyArray | undefined
}): EmptyArray {
  if (emptyArray !== 'list' && emptyArray !== 'map') {
    throw invalidOption('the option "emptyArray" must be "list" or "map"')
  }
  return emptyArray
}

/**
 * Writes JavaScript values, taking from nodes that were read before what has not changed.
 *
 * @internal
 */
export class ValueWriter extends NodeWriter {
  readonly #basis: PhpSource | undefined
  readonly #open = new Set<object>()
  /** What arrays that have other names in PHP have become, to go on having them. */
  readonly #renamed = new Map<PhpNode, { readonly container: object; readonly slot: number }>()

  /** Arrays, and what was found to be another in their place: finding it again at each level would take for ever. */
  readonly #different = new Map<ArrayNode, object>()

  /** @param basis what was read before, as a whole. */
  constructor(limits: Required<PhpLimits>, basis?: PhpSource) {
    super(limits)
    this.#basis = basis
  }

  /**
   * Whether a value is what a node was read as, with or without its floats.
   *
   * @param value as `unwrap` makes it.
   */
  isUnchanged(value: unknown, node: PhpNode): boolean {
    if (node.kind === 'link') {
      if (!isReference(node)) return this.isUnchanged(value, resolveLinks(node))
      return value instanceof PhpReference && areSameLinks(PhpReference.nodeOf(value), node)
    }
    if (node.kind === 'object')
      return value instanceof PhpObject && areSameObjects(PhpObject.nodeOf(value), node)
    if (node.kind === 'scalar' && Object.is(value, node.value)) return true
    if (value === undefined) return false
    const written = phpValue(value)
    if (node.kind === 'array') return isElements(written) && this.#hasUnchanged(written, node)
    if (isElements(written)) return false
    const float = isIntegralFloat(node) && written instanceof PhpFloat
    return float
      ? written.value === node.value
      : areSameLeaves(written, node.value instanceof PhpBytes ? node.value.bytes : node.value)
  }

  #hasUnchanged({ container, elements }: PhpElements, node: ArrayNode): boolean {
    const { entries } = node
    if (elements.length !== entries.length || this.#different.get(node) === container) return false
    const areUnchanged = entries.every(({ key, value }, index) => {
      const element = elements[index]
      return (
        element !== undefined &&
        keyIdentity(element[0]) === keyIdentity(key) &&
        this.isUnchanged(element[1], value)
      )
    })
    if (!areUnchanged) this.#different.set(node, container)
    return areUnchanged
  }

  /**
   * Writes a value.
   *
   * @param value as `unwrap` makes it.
   * @param basis what PHP had in this place.
   */
  write(value: unknown, basis: PhpNode | undefined, depth = 1): void {
    if (basis !== undefined && this.isUnchanged(value, basis)) {
      this.writeVariable(basis, depth)
      return
    }
    const written = phpValue(value)
    if (isElements(written)) this.#array(written, basis, depth)
    else if (written instanceof PhpObject) {
      this.writeHandle(this.#currentNode(PhpObject.nodeOf(written)), depth)
    } else if (written instanceof PhpReference) this.writeLink(PhpReference.nodeOf(written), depth)
    else {
      if (typeof written === 'bigint' && !isInt64(written)) {
        throw this.refusal('has an integer of more than 64 bits')
      }
      this.takeSlot()
      this.put(scalarText(written))
    }
  }

  /** Writes `a:3:{`, for elements that are written next and a `}`. */
  openArray(count: number): void {
    this.put(`a:${count}:{`)
  }

  /** Writes the key of an element. */
  key(key: PhpKey): void {
    if (typeof key === 'string' && !isWellFormed(key)) {
      throw this.refusal('has a key with half a surrogate pair, which UTF-8 has no bytes for')
    }
    this.put(scalarText(key instanceof PhpBytes ? key.bytes : key))
  }

  #array({ container, elements }: PhpElements, basis: PhpNode | undefined, depth: number): void {
    const name = basis === undefined ? undefined : this.#renamed.get(resolveLinks(basis))
    if (basis?.kind === 'link' && name?.container === container && this.writeReference(name.slot)) return
    if (this.#open.has(container)) throw this.refusal('contains itself')
    this.checkDepth(depth)
    const slot = this.takeSlot()
    // What is behind another name has its place elsewhere: what is in it is not to be referred to from here.
    const old = basis?.kind === 'array' ? basis : undefined
    if (old !== undefined) {
      this.markRewritten(old, slot)
      this.#renamed.set(old, { container, slot })
    }
    this.#open.add(container)
    this.openArray(elements.length)
    const oldValues = new Map(old?.entries.map(entry => [keyIdentity(entry.key), entry.value]))
    for (const [key, value] of elements) {
      this.key(key)
      this.write(value, oldValues.get(keyIdentity(key)), depth + 1)
    }
    this.put('}')
    this.#open.delete(container)
  }

  /** The node of an object in the basis, when that is what the object was read from. */
  #currentNode(node: ObjectNode): ObjectNode {
    const current = this.#basis?.objects.get(node.start)
    return current !== undefined && isSamePlace(current, node) ? current : node
  }
}
