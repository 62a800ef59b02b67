import type { PhpLimits } from './limits.ts'
import type { ArrayNode, LinkNode, ObjectNode, PhpEntry, PhpNode, PhpSource } from './node.ts'
import { fromInt64, integerKey, isInt64 } from './numbers.ts'
import { keyIdentity } from './php-array.ts'
import type { PhpKey } from './php-array.ts'
import { PhpFormatError } from './php-format-error.ts'
import { ByteCursor, CLOSE, COLON, OPEN, QUOTE, SEMICOLON, ZERO } from './byte-cursor.ts'
import { unescapeString } from './escaped-string.ts'
import { decodeUtf8 } from './utf8.ts'
import { latin1Of, PhpBytes } from './values.ts'

const BACKSLASH = 0x5c

const INTEGER = /^[+-]?\d+$/
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
/** The shortest element of an array is `i:0;N;`. */
const LEAST_ELEMENT_BYTES = 6

/**
 * Reads serialised values out of bytes, one after the other, as PHP's `unserialize()` does with one table of back
 * references. Nothing is instantiated: objects stay descriptions.
 *
 * @internal
 */
export class PhpParser {
  readonly source: PhpSource
  readonly #cursor: ByteCursor
  readonly #maxDepth: number
  readonly #maxWeight: number
  /** What has number 1, 2, ... */
  readonly #slots: PhpNode[] = []
  /** Numbers above this one may belong to what an object of its own format holds. */
  #lastCertainSlot = Infinity

  /** @throws {PhpFormatError} when there are more bytes than allowed. */
  constructor(bytes: Uint8Array, limits: Required<PhpLimits>) {
    if (bytes.length > limits.maxBytes) {
      throw new PhpFormatError(`it has ${bytes.length} bytes, more than maxBytes`, limits.maxBytes)
    }
    this.source = { bytes, tangled: false, named: new Set(), objects: new Map() }
    this.#cursor = new ByteCursor(bytes)
    this.#maxDepth = limits.maxDepth
    this.#maxWeight = limits.maxBytes
  }

  get position(): number {
    return this.#cursor.position
  }

  get isAtEnd(): boolean {
    return this.#cursor.isAtEnd
  }

  /** Goes over bytes that are no value. */
  skipTo(position: number): void {
    this.#cursor.position = position
  }

  /** To be called when everything has been read: objects go on needing the bytes, which are the caller's. */
  keepBytes(): void {
    if (this.source.tangled) this.source.bytes = new Uint8Array(this.#cursor.bytes)
  }

  /**
   * Reads one value.
   *
   * @throws {PhpFormatError} when there is none.
   */
  value(depth = 1): PhpNode {
    const start = this.#cursor.position
    const letter = String.fromCharCode(this.#cursor.bytes[start] ?? 0)
    switch (letter) {
      case 'N':
        this.#cursor.skip(1)
        this.#cursor.expect(SEMICOLON)
        return this.#scalar(start, null)
      case 'b':
        return this.#scalar(start, this.#boolean())
      case 'i':
        return this.#scalar(start, this.#integer())
      case 'd':
        return this.#scalar(start, this.#float())
      case 's':
      case 'S':
        return this.#text(start, this.#string())
      case 'a':
        return this.#array(start, depth)
      case 'O':
      case 'E':
      case 'C':
        return this.#object(start, letter, depth)
      case 'R':
      case 'r':
        return this.#link(start, letter, depth)
      default:
        throw this.#cursor.malformed(
          this.isAtEnd ? 'it ends where a value has to be' : 'no value starts like this',
        )
    }
  }

  #leaf(start: number): Pick<PhpNode, 'source' | 'start' | 'end' | 'slotCount' | 'height' | 'weight'> {
    return { source: this.source, start, end: this.#cursor.position, slotCount: 1, height: 0, weight: 1 }
  }

  #numbered<Node extends PhpNode>(node: Node): Node {
    this.#slots.push(node)
    return node
  }

  #scalar(start: number, value: null | boolean | number | bigint): PhpNode {
    return this.#numbered({ kind: 'scalar', value, ...this.#leaf(start) })
  }

  #text(start: number, value: string | PhpBytes): PhpNode {
    return this.#numbered({ kind: 'string', value, ...this.#leaf(start) })
  }

  #boolean(): boolean {
    this.#cursor.skip(1)
    this.#cursor.expect(COLON)
    const digit = this.#cursor.next
    if (digit !== ZERO && digit !== ZERO + 1) throw this.#cursor.malformed('a boolean is 0 or 1')
    this.#cursor.skip(1)
    this.#cursor.expect(SEMICOLON)
    return digit !== ZERO
  }

  #integer(): number | bigint {
    const start = this.#cursor.position + 2
    const text = this.#cursor.untilSemicolon()
    const short = text.length <= 15 ? Number(text) : Number.NaN
    if (!INTEGER.test(text)) throw this.#cursor.malformed('an integer has to be here', start)
    if (!Number.isNaN(short)) return short === 0 ? 0 : short
    const long = BigInt(text.startsWith('+') ? text.slice(1) : text)
    if (!isInt64(long)) throw this.#cursor.malformed('an integer of PHP has 64 bits', start)
    return fromInt64(long)
  }

  #float(): number {
    const start = this.#cursor.position + 2
    const text = this.#cursor.untilSemicolon()
    if (text === 'NAN') return Number.NaN
    if (text === 'INF') return Infinity
    if (text === '-INF') return -Infinity
    if (!FLOAT.test(text)) throw this.#cursor.malformed('a float has to be here', start)
    return Number(text)
  }

  #string(): string | PhpBytes {
    const isEscaped = this.#cursor.next === 0x53
    this.#cursor.skip(1)
    this.#cursor.expect(COLON)
    const length = this.#cursor.count('a length')
    this.#cursor.expect(COLON)
    this.#cursor.expect(QUOTE)
    const start = this.#cursor.position
    if (isEscaped) {
      const unescaped = unescapeString(this.#cursor.bytes, start, length)
      if (unescaped === undefined) throw this.#cursor.malformed('an escaped string is cut short or malformed')
      this.#cursor.position = unescaped.end
      this.#closeString()
      return decodeUtf8(unescaped.bytes, 0, length) ?? new PhpBytes(unescaped.bytes)
    }
    this.#cursor.skipContent(length, 'a string')
    this.#closeString()
    return (
      decodeUtf8(this.#cursor.bytes, start, start + length) ??
      new PhpBytes(this.#cursor.bytes.subarray(start, start + length))
    )
  }

  #closeString(): void {
    this.#cursor.expect(QUOTE)
    this.#cursor.expect(SEMICOLON)
  }

  #array(start: number, depth: number): PhpNode {
    const node: ArrayNode = {
      ...this.#leaf(start),
      kind: 'array',
      entries: [],
      bodyStart: start,
      openDepth: depth,
    }
    this.#numbered(node)
    this.#cursor.skip(1)
    this.#cursor.expect(COLON)
    this.#body(node, depth, true)
    node.openDepth = 0
    return node
  }

  #object(start: number, letter: 'O' | 'E' | 'C', depth: number): PhpNode {
    this.#cursor.skip(1)
    this.#cursor.expect(COLON)
    const length = this.#cursor.count('a length')
    if (length === 0) throw this.#cursor.malformed('a class has a name')
    this.#cursor.expect(COLON)
    this.#cursor.expect(QUOTE)
    const nameStart = this.#cursor.position
    this.#cursor.skipContent(length, 'the name of a class')
    const className = this.#className(nameStart, letter)
    this.#cursor.expect(QUOTE)
    const node: ObjectNode = {
      ...this.#leaf(start),
      kind: 'object',
      letter,
      className,
      entries: [],
      bodyStart: start,
    }
    this.#numbered(node)
    this.source.tangled = true
    this.source.objects.set(start, node)
    if (letter === 'E') this.#cursor.expect(SEMICOLON)
    else {
      this.#cursor.expect(COLON)
      if (letter === 'O') this.#body(node, depth, false)
      else this.#ownFormat(node)
    }
    node.end = this.#cursor.position
    return node
  }

  #className(start: number, letter: string): string {
    const name = this.#cursor.bytes.subarray(start, this.#cursor.position)
    if (name[0] === 0 || name[0] === BACKSLASH)
      throw this.#cursor.malformed('no name of a class starts like this', start)
    if (letter === 'E' && !name.includes(COLON))
      throw this.#cursor.malformed('an enum is written with its case', start)
    return decodeUtf8(name, 0, name.length) ?? latin1Of(name)
  }

  /** The inside of an object that writes itself: text of its class, which may count in the numbers, or not. */
  #ownFormat(node: ObjectNode): void {
    const length = this.#cursor.count('a length')
    this.#cursor.expect(COLON)
    this.#cursor.expect(OPEN)
    node.bodyStart = this.#cursor.position
    this.#cursor.skipContent(length, 'an object')
    this.#cursor.expect(CLOSE)
    this.#lastCertainSlot = Math.min(this.#lastCertainSlot, this.#slots.length)
  }

  #body(node: ArrayNode | ObjectNode, depth: number, isArray: boolean): void {
    const countStart = this.#cursor.position
    const count = this.#cursor.count('a count')
    this.#cursor.expect(COLON)
    this.#cursor.expect(OPEN)
    node.bodyStart = this.#cursor.position
    if (count > (this.#cursor.bytes.length - this.#cursor.position) / LEAST_ELEMENT_BYTES) {
      throw this.#cursor.malformed('the count is higher than the bytes that follow allow', countStart)
    }
    if (depth > this.#maxDepth) throw this.#cursor.malformed('it is nested deeper than maxDepth', node.start)
    const seen = isArray ? new Set<unknown>() : undefined
    let height = 0
    for (let index = 0; index < count; index += 1) {
      const start = this.#cursor.position
      const key = this.#key(isArray)
      if (seen !== undefined && seen.size === seen.add(keyIdentity(key)).size) {
        throw this.#cursor.malformed('an array has the same key twice', start)
      }
      const value = this.value(depth + 1)
      node.entries.push({ key, start, value } satisfies PhpEntry)
      node.slotCount += value.slotCount
      node.weight += value.weight
      if (node.weight > this.#maxWeight)
        throw this.#cursor.malformed('its references repeat too much', value.start)
      height = Math.max(height, value.height)
    }
    node.height = height + 1
    // Arrays count where references repeat them, too: that is how deep what is read will be.
    if (depth + height > this.#maxDepth)
      throw this.#cursor.malformed('it is nested deeper than maxDepth', node.start)
    this.#cursor.expect(CLOSE)
    node.end = this.#cursor.position
  }

  #key(isArray: boolean): PhpKey {
    const letter = this.#cursor.next
    if (letter === 0x69) {
      const key = this.#integer()
      return isArray ? key : String(key)
    }
    if (letter !== 0x73 && letter !== 0x53) throw this.#cursor.malformed('a key has to be here')
    const key = this.#string()
    return isArray && typeof key === 'string' ? (integerKey(key) ?? key) : key
  }

  #link(start: number, letter: 'R' | 'r', depth: number): PhpNode {
    this.#cursor.skip(1)
    this.#cursor.expect(COLON)
    const slot = this.#cursor.count('a number')
    this.#cursor.expect(SEMICOLON)
    this.source.tangled = true
    const isCertain = slot <= this.#lastCertainSlot
    const target = isCertain ? this.#slots[slot - 1] : undefined
    if (slot === 0 || (isCertain && target === undefined)) {
      throw this.#cursor.malformed('it refers to a value that is not there', start)
    }
    if (letter === 'r' && target !== undefined && !isObject(target)) {
      throw this.#cursor.malformed('it refers to a value that is no object', start)
    }
    const openDepth = target?.kind === 'array' ? target.openDepth : 0
    const levelsUp = openDepth === 0 ? 0 : depth - openDepth
    const node: LinkNode = { ...this.#leaf(start), kind: 'link', letter, slot, target, levelsUp }
    if (letter === 'r') return this.#numbered(node)
    node.slotCount = 0
    if (target !== undefined) this.source.named.add(target)
    if (target?.kind === 'array' && levelsUp === 0) {
      node.weight = target.weight
      node.height = target.height
    }
    return node
  }
}

function isObject(node: PhpNode): boolean {
  if (node.kind === 'link') return node.target === undefined || isObject(node.target)
  return node.kind === 'object'
}
