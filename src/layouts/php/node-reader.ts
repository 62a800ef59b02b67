import {
  type ArrayNode,
  isReference,
  type LinkNode,
  type ObjectNode,
  type PhpNode,
  resolveLinks,
  type ScalarNode,
} from './node.ts'
import { standaloneText } from './node-writer.ts'
import {
  bytesOf,
  isPhpInteger,
  PhpArray,
  PhpBytes,
  PhpFloat,
  type PhpKey,
  type PhpValueKind,
} from './values.ts'

/** What an empty PHP array, which is a list as much as a map, becomes. */
export type EmptyArray = 'list' | 'map'

/** The highest integer key that a JavaScript object puts before all other keys, in ascending order. */
const LAST_INDEX = 2 ** 32 - 2

/**
 * Turns nodes into JavaScript values. The same array or object gives the same value each time.
 *
 * @internal
 */
export class NodeReader {
  readonly #emptyArray: EmptyArray
  readonly #keepsFloats: boolean
  readonly #isWhole: boolean
  readonly #values = new Map<PhpNode, object>()
  readonly #open = new Set<ArrayNode>()

  /**
   * @param keepsFloats whether floats that JavaScript could not tell from integers become a `PhpFloat`.
   * @param isWhole whether arrays are read with everything around them.
   */
  constructor(emptyArray: EmptyArray, keepsFloats = false, isWhole = true) {
    this.#emptyArray = emptyArray
    this.#keepsFloats = keepsFloats
    this.#isWhole = isWhole
  }

  /** The value of a node. */
  read(node: PhpNode): unknown {
    if (node.kind === 'scalar') {
      return this.#keepsFloats && isIntegralFloat(node) ? new PhpFloat(Number(node.value)) : node.value
    }
    const known = this.#values.get(node)
    if (known !== undefined) return known
    if (node.kind === 'link' && !this.#staysReference(node)) return this.read(resolveLinks(node))
    const value = this.#valueOf(node)
    this.#values.set(node, value)
    return value
  }

  #valueOf(node: ArrayNode | ObjectNode | LinkNode): object {
    if (node.kind === 'link') return new PhpReference(node)
    if (node.kind === 'object') {
      // A reader of its own, so that what a caller does to a property does not show in the session.
      return new PhpObject(node, property => new NodeReader(this.#emptyArray, false, false).read(property))
    }
    this.#open.add(node)
    const value = this.#containerOf(node)
    this.#open.delete(node)
    return value
  }

  #containerOf(node: ArrayNode): object {
    const { entries } = node
    if (entries.length === 0) return this.#emptyArray === 'list' ? [] : {}
    if (entries.every(({ key }, index) => key === index)) return entries.map(({ value }) => this.read(value))
    if (!fitsPlainObject(node)) {
      return new PhpArray(entries.map(({ key, value }) => [key, this.read(value)] as const))
    }
    const object: Record<string, unknown> = {}
    for (const { key, value } of entries) {
      if (!(key instanceof PhpBytes)) setOwn(object, String(key), this.read(value))
    }
    return object
  }

  #staysReference(link: LinkNode): boolean {
    const target = resolveLinks(link)
    if (target.kind === 'array' && this.#open.has(target)) return true
    return this.#isWhole ? isReference(link) : target.kind === 'link'
  }
}

/** How a PHP object was written: property by property, as the case of an enum, or in a format of its class. */
type PhpObjectKind = 'object' | 'enum' | 'custom'

const KIND_OF_LETTER = { O: 'object', E: 'enum', C: 'custom' } as const

/**
 * A PHP object, kept as PHP wrote it. It can be looked into, moved and dropped, not changed and not made: no class is
 * loaded, and nothing that a user sends can become one.
 *
 * Reading gives the same instance wherever PHP has the same object, and an instance that is written twice is the same
 * object in PHP again.
 */
export class PhpObject {
  /** Tells the class from a copy that lost it. */
  readonly '@php': PhpValueKind = 'object'
  readonly kind: PhpObjectKind
  /** Name of the class, with its namespace; for an enum, class and case: `Suit:Hearts`. */
  readonly className: string
  readonly #node: ObjectNode
  readonly #read: (node: PhpNode) => unknown

  /** @internal */
  constructor(node: ObjectNode, read: (node: PhpNode) => unknown) {
    this.kind = KIND_OF_LETTER[node.letter]
    this.className = node.className
    this.#node = node
    this.#read = read
  }

  /** @internal */
  static nodeOf(object: PhpObject): ObjectNode {
    return object.#node
  }

  /**
   * What PHP's `serialize()` gives for the object alone. What it refers to elsewhere in the session is in it.
   */
  get serialized(): Uint8Array {
    return bytesOf(standaloneText(this.#node))
  }

  /**
   * Names of the properties in PHP's order, without the marks of visibility. Empty for enums and for objects in a
   * format of their class.
   */
  propertyNames(): string[] {
    return this.#node.entries.map(({ key }) => propertyName(key)).filter(name => name !== undefined)
  }

  /**
   * The value of a property, public or not; `undefined` when there is none. Changing what is returned changes nothing
   * in the session.
   */
  property(name: string): unknown {
    const entry = this.#node.entries.find(({ key }) => propertyName(key) === name)
    return entry === undefined ? undefined : this.#read(entry.value)
  }

  /** For logs and comparisons; it cannot be written back. */
  toJSON(): { readonly '@php': PhpValueKind; readonly className: string; readonly serialized: string } {
    return { '@php': this['@php'], className: this.className, serialized: btoa(standaloneText(this.#node)) }
  }
}

/**
 * The place of a PHP array inside itself, or of something that another object hides: the only values that JavaScript
 * cannot hold in this place. Written back as it was as long as what is around it stays.
 */
export class PhpReference {
  /** Tells the class from a copy that lost it. */
  readonly '@php': PhpValueKind = 'reference'
  readonly #node: LinkNode

  /** @internal */
  constructor(node: LinkNode) {
    this.#node = node
  }

  /** @internal */
  static nodeOf(reference: PhpReference): LinkNode {
    return reference.#node
  }

  /** For logs and comparisons; it cannot be written back. */
  toJSON(): { readonly '@php': PhpValueKind } {
    return { '@php': this['@php'] }
  }
}

/**
 * Whether a float could not be told from an integer in JavaScript.
 *
 * @internal
 */
export function isIntegralFloat({ value, source, start }: ScalarNode): boolean {
  return typeof value === 'number' && isPhpInteger(value) && source.text[start] === 'd'
}

/**
 * Sets an own property, whatever its name: `__proto__` is data like any other key.
 *
 * @internal
 */
export function setOwn(object: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else (object as Record<string, unknown>)[key] = value
}

/** Whether the keys of a plain object come in the order of PHP, and are told from each other as in PHP. */
function fitsPlainObject(node: ArrayNode): boolean {
  let last = -1
  let behindIndexes = false
  for (const { key } of node.entries) {
    // An object with this key could not be told from a copy of one of the value classes.
    if (key instanceof PhpBytes || key === '@php') return false
    if (typeof key !== 'number' || key < 0 || key > LAST_INDEX) {
      behindIndexes = true
      continue
    }
    if (behindIndexes || key < last) return false
    last = key
  }
  return true
}

/** PHP writes `\0*\0name` for protected and `\0Class\0name` for private properties. */
function propertyName(key: PhpKey): string | undefined {
  if (typeof key !== 'string') return undefined
  return key.startsWith('\0') ? key.slice(key.indexOf('\0', 1) + 1) : key
}
