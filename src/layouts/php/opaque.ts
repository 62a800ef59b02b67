import type { LinkNode, ObjectNode, PhpNode } from './node.ts'
import { standaloneText } from './node-writer.ts'
import { bytesOf, type PhpKey, type PhpValueKind } from './values.ts'

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

/** PHP writes `\0*\0name` for protected and `\0Class\0name` for private properties. */
function propertyName(key: PhpKey): string | undefined {
  if (typeof key !== 'string') return undefined
  return key.startsWith('\0') ? key.slice(key.indexOf('\0', 1) + 1) : key
}
