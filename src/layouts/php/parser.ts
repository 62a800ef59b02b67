import {
  type ArrayNode,
  type LinkNode,
  type ObjectNode,
  type PhpLimits,
  type PhpNode,
  type PhpSource,
  type ScalarNode,
} from './node.ts'
import {
  bytesOf,
  decodeUtf8,
  fromInt64,
  integerKey,
  isAscii,
  isInt64,
  keyIdentity,
  PhpBytes,
  PhpFormatError,
  type PhpKey,
} from './values.ts'

/*
 * No number that PHP writes is longer, and what is not a number may go on for long.
 */
const INTEGER = /[+-]?\d{1,400}(?=;)/y
const FLOAT = /(?:[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][+-]?\d{1,400})?|NAN|-?INF)(?=;)/y
const BOOLEAN = /[01]/y
const ESCAPED_BYTE = /\\([\da-f]{2})|[^\\]/isy
/** What more digits make of a number may not be exact. */
const SAFE_DIGITS = 15
const ZERO = 48
const SEMICOLON = 59
/** The shortest element of an array is `i:0;N;`. */
const LEAST_ELEMENT_BYTES = 6

/**
 * The node of a text that is one value.
 *
 * @throws {PhpFormatError} when it is not.
 * @internal
 */
export function parseOne(text: string, limits: Required<PhpLimits>): PhpNode {
  const parser = new PhpParser(text, limits)
  const node = parser.value()
  if (!parser.isAtEnd) throw new PhpFormatError('there is something behind the value', parser.position)
  return node
}

/**
 * Reads serialised values out of text, one after the other, as PHP's `unserialize()` does with one table of back
 * references. Nothing is instantiated: objects stay descriptions.
 *
 * @internal
 */
export class PhpParser {
  readonly source: PhpSource
  /** Offset of what is read next. */
  position = 0
  readonly #text: string
  readonly #isAscii: boolean
  readonly #maxDepth: number
  readonly #maxWeight: number
  /** What has number 1, 2, ... */
  readonly #slots: PhpNode[] = []
  /** Numbers above this one may belong to what an object of its own format holds. */
  #lastCertainSlot = Infinity

  /** @throws {PhpFormatError} when there are more bytes than allowed. */
  constructor(text: string, limits: Required<PhpLimits>) {
    if (text.length > limits.maxBytes) {
      throw new PhpFormatError(`it has ${text.length} bytes, more than maxBytes`, limits.maxBytes)
    }
    this.source = { text, tangled: false, named: new Set(), objects: new Map() }
    this.#text = text
    this.#isAscii = isAscii(text)
    this.#maxDepth = limits.maxDepth
    this.#maxWeight = limits.maxBytes
  }

  get isAtEnd(): boolean {
    return this.position >= this.#text.length
  }

  /**
   * Reads one value.
   *
   * @throws {PhpFormatError} when there is none.
   */
  value(depth = 1): PhpNode {
    const start = this.position
    const letter = this.#text[start] ?? ''
    switch (letter) {
      case 'N':
        this.#expect('N;')
        return this.#scalar(start, null)
      case 'b':
        return this.#scalar(start, this.#number(BOOLEAN, 'a boolean is 0 or 1') === '1')
      case 'i':
        return this.#scalar(start, this.#integer())
      case 'd':
        return this.#scalar(start, this.#float())
      case 's':
      case 'S':
        return this.#scalar(start, this.#string(letter === 'S'))
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
        throw this.#malformed(this.isAtEnd ? 'it ends where a value has to be' : 'no value starts like this')
    }
  }

  #numbered<Node extends PhpNode>(node: Node): Node {
    this.#slots.push(node)
    return node
  }

  // Nodes are written out in full: taking their common fields from a spread object takes longer than all the rest.
  #scalar(start: number, value: ScalarNode['value']): PhpNode {
    const { source, position: end } = this
    return this.#numbered({ kind: 'scalar', source, start, end, slotCount: 1, height: 0, weight: 1, value })
  }

  /** What is between `x:` and a semicolon. */
  #number(pattern: RegExp, problem: string): string {
    this.#expectColon()
    const start = this.position
    pattern.lastIndex = start
    if (!pattern.test(this.#text)) throw this.#malformed(problem)
    this.position = pattern.lastIndex
    this.#expect(';')
    return this.#text.slice(start, this.position - 1)
  }

  #integer(): number | bigint {
    const start = this.position + 2
    const end = this.#endOfDigits(start)
    // Nearly all are like this: the keys of lists, and IDs.
    if (end > start && end - start <= SAFE_DIGITS && this.#text.charCodeAt(end) === SEMICOLON) {
      this.#expectColon()
      this.position = end + 1
      return this.#digits(start, end)
    }
    const text = this.#number(INTEGER, 'an integer has to be here')
    if (text.length <= SAFE_DIGITS) return Number(text) || 0
    const integer = BigInt(text.startsWith('+') ? text.slice(1) : text)
    if (!isInt64(integer)) throw this.#malformed('an integer of PHP has 64 bits', start)
    return fromInt64(integer)
  }

  #float(): number {
    const text = this.#number(FLOAT, 'a float has to be here')
    return Number(text.replace('INF', 'Infinity').replace('NAN', 'NaN'))
  }

  #string(isEscaped: boolean): string | PhpBytes {
    const length = this.#lengthOf()
    const text = isEscaped ? this.#escaped(length) : this.#content(length, 'a string')
    this.#expect('";')
    // What is escaped need not be ASCII.
    if (this.#isAscii && !isEscaped) return text
    return decodeUtf8(text) ?? new PhpBytes(bytesOf(text))
  }

  /** The content of a string in which `\41` stands for the byte 0x41. */
  #escaped(length: number): string {
    const start = this.position
    let text = ''
    while (text.length < length) {
      ESCAPED_BYTE.lastIndex = this.position
      const match = ESCAPED_BYTE.exec(this.#text)
      if (match === null) throw this.#malformed('an escaped string is cut short or malformed', start)
      const [byte, hex] = match
      text += hex === undefined ? byte : String.fromCharCode(Number.parseInt(hex, 16))
      this.position += byte.length
    }
    return text
  }

  #array(start: number, depth: number): PhpNode {
    const node: ArrayNode = {
      kind: 'array',
      source: this.source,
      start,
      end: start,
      slotCount: 1,
      height: 0,
      weight: 1,
      entries: [],
      bodyStart: start,
      openDepth: depth,
    }
    this.#slots.push(node)
    this.#expectColon()
    this.#body(node, depth)
    node.openDepth = 0
    return node
  }

  #object(start: number, letter: 'O' | 'E' | 'C', depth: number): PhpNode {
    const length = this.#lengthOf()
    const className = this.#className(length, letter)
    this.#expect('"')
    const node: ObjectNode = {
      kind: 'object',
      source: this.source,
      start,
      end: start,
      slotCount: 1,
      height: 0,
      weight: 1,
      letter,
      className,
      entries: [],
      bodyStart: start,
      standalone: undefined,
    }
    this.#slots.push(node)
    this.source.tangled = true
    this.source.objects.set(start, node)
    if (letter === 'E') this.#expect(';')
    else {
      this.#expect(':')
      if (letter === 'O') this.#body(node, depth)
      else this.#ownFormat(node)
    }
    node.end = this.position
    return node
  }

  #className(length: number, letter: string): string {
    if (length === 0) throw this.#malformed('a class has a name', this.position - 2)
    const start = this.position
    const name = this.#content(length, 'the name of a class')
    if (name.startsWith('\\') || name.startsWith('\0'))
      throw this.#malformed('no name of a class starts like this', start)
    if (letter === 'E' && !name.includes(':'))
      throw this.#malformed('an enum is written with its case', start)
    return decodeUtf8(name) ?? name
  }

  /** The inside of an object that writes itself: text of its class, which may count in the numbers, or not. */
  #ownFormat(node: ObjectNode): void {
    const length = this.#count('a length')
    this.#expect(':{')
    node.bodyStart = this.position
    this.#content(length, 'an object')
    this.#expect('}')
    this.#lastCertainSlot = Math.min(this.#lastCertainSlot, this.#slots.length)
  }

  #body(node: ArrayNode | ObjectNode, depth: number): void {
    const countStart = this.position
    const count = this.#count('a count')
    this.#expect(':{')
    node.bodyStart = this.position
    if (count > (this.#text.length - this.position) / LEAST_ELEMENT_BYTES) {
      throw this.#malformed('the count is higher than the bytes that follow allow', countStart)
    }
    if (depth > this.#maxDepth) throw this.#malformed('it is nested deeper than maxDepth', node.start)
    const isArray = node.kind === 'array'
    const seen = isArray ? new Set<unknown>() : undefined
    let height = 0
    for (let index = 0; index < count; index += 1) {
      const start = this.position
      const key = this.#key(isArray)
      if (seen !== undefined && seen.size === seen.add(keyIdentity(key)).size) {
        throw this.#malformed('an array has the same key twice', start)
      }
      const value = this.value(depth + 1)
      node.entries.push({ key, start, value })
      node.slotCount += value.slotCount
      node.weight += value.weight
      if (node.weight > this.#maxWeight) throw this.#malformed('its references repeat too much', value.start)
      height = Math.max(height, value.height)
    }
    node.height = height + 1
    // Arrays count where references repeat them, too: that is how deep what is read will be.
    if (depth + height > this.#maxDepth)
      throw this.#malformed('it is nested deeper than maxDepth', node.start)
    this.#expect('}')
    node.end = this.position
  }

  #key(isArray: boolean): PhpKey {
    const letter = this.#text[this.position]
    if (letter === 'i') {
      const key = this.#integer()
      return isArray ? key : String(key)
    }
    if (letter !== 's' && letter !== 'S') throw this.#malformed('a key has to be here')
    const key = this.#string(letter === 'S')
    return isArray && typeof key === 'string' ? (integerKey(key) ?? key) : key
  }

  #link(start: number, letter: 'R' | 'r', depth: number): PhpNode {
    this.#expectColon()
    const slot = this.#count('a number')
    this.#expect(';')
    this.source.tangled = true
    const isCertain = slot <= this.#lastCertainSlot
    const target = isCertain ? this.#slots[slot - 1] : undefined
    if (slot === 0 || (isCertain && target === undefined)) {
      throw this.#malformed('it refers to a value that is not there', start)
    }
    if (letter === 'r' && target !== undefined && !isObject(target)) {
      throw this.#malformed('it refers to a value that is no object', start)
    }
    const openDepth = target?.kind === 'array' ? target.openDepth : 0
    const levelsUp = openDepth === 0 ? 0 : depth - openDepth
    const repeated = letter === 'R' && target?.kind === 'array' && levelsUp === 0 ? target : undefined
    const node: LinkNode = {
      kind: 'link',
      source: this.source,
      start,
      end: this.position,
      slotCount: letter === 'r' ? 1 : 0,
      height: repeated?.height ?? 0,
      weight: repeated?.weight ?? 1,
      letter,
      slot,
      target,
      levelsUp,
    }
    if (letter === 'r') return this.#numbered(node)
    if (target !== undefined) this.source.named.add(target)
    return node
  }

  /** Goes over `x:5:"`; the length. */
  #lengthOf(): number {
    this.#expectColon()
    const length = this.#count('a length')
    this.#expect(':"')
    return length
  }

  /** Digits. What they count is at least a byte each, so more than there are bytes cannot be. */
  #count(what: string): number {
    const start = this.position
    const end = this.#endOfDigits(start)
    if (end === start) throw this.#malformed(`${what} has to be here`)
    const count = this.#digits(start, end)
    if (count > this.#text.length) throw this.#malformed(`${what} is higher than the bytes allow`, start)
    this.position = end
    return count
  }

  #endOfDigits(start: number): number {
    let end = start
    while (isDigit(this.#text.charCodeAt(end))) end += 1
    return end
  }

  #digits(start: number, end: number): number {
    let number = 0
    for (let index = start; index < end; index += 1)
      number = number * 10 + this.#text.charCodeAt(index) - ZERO
    return number
  }

  /** As many characters as said. */
  #content(length: number, what: string): string {
    const start = this.position
    if (length > this.#text.length - start) throw this.#malformed(`${what} is cut short`)
    this.position += length
    return this.#text.slice(start, this.position)
  }

  /** Goes over the letter that a value begins with, and the colon behind it. */
  #expectColon(): void {
    this.position += 1
    this.#expect(':')
  }

  /** Goes over characters that have to be there. */
  #expect(characters: string): void {
    if (this.#text.startsWith(characters, this.position)) {
      this.position += characters.length
      return
    }
    let missing = 0
    while (this.#text[this.position + missing] === characters[missing]) missing += 1
    throw this.#malformed(`${JSON.stringify(characters[missing])} has to be here`, this.position + missing)
  }

  #malformed(problem: string, offset: number = this.position): PhpFormatError {
    return new PhpFormatError(problem, offset)
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code < ZERO + 10
}

function isObject(node: PhpNode): boolean {
  if (node.kind === 'link') return node.target === undefined || isObject(node.target)
  return node.kind === 'object'
}
