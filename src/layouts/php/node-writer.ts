import { invalidSessionData } from '../../errors.ts'
import {
  type ArrayNode,
  DEEPEST,
  isSamePlace,
  type LinkNode,
  type ObjectNode,
  type PhpLimits,
  type PhpNode,
  resolveLinks,
} from './node.ts'

/** What stands for a number that cannot be known. */
const UNCERTAIN = 0

/**
 * Writes nodes, with their back references renumbered for where they are now.
 *
 * Numbers go the way of PHP's `serialize()`: every value has the next one, except another name (`R`) of a variable. A
 * back reference to what has not been written becomes what it refers to, and later ones refer to that.
 *
 * @internal
 */
export class NodeWriter {
  /** What is being written, for messages. */
  subject = 'the value'
  #text = ''
  readonly #limits: Required<PhpLimits>
  readonly #isComparison: boolean
  #slots = 0
  #isCertain = true
  /** Numbers of variables that have other names. */
  readonly #variables = new Map<PhpNode, number>()
  /** Numbers under which objects can be had once more. */
  readonly #objects = new Map<ObjectNode, number>()
  /** Numbers of arrays that have been written anew in the place of these. */
  readonly #rewritten = new Map<ArrayNode, number>()

  /**
   * @param isComparison the text is not for PHP: numbers that cannot be known are written as they were.
   */
  constructor(limits: Required<PhpLimits>, isComparison = false) {
    this.#limits = limits
    this.#isComparison = isComparison
  }

  /** What was written, one character for each byte. */
  get text(): string {
    return this.#text
  }

  /** @throws {TypeError} `INVALID_SESSION_DATA` when it gets too much. */
  put(text: string): void {
    this.#text += text
    if (this.#text.length > this.#limits.maxBytes) {
      throw invalidSessionData('the session data takes more than maxBytes in PHP')
    }
  }

  /** Takes the number of the value that is about to be written. */
  takeSlot(): number {
    this.#slots += 1
    return this.#isCertain ? this.#slots : UNCERTAIN
  }

  /** Remembers that a new array takes the place of one that was read, for references from inside it. */
  markRewritten(node: ArrayNode, slot: number): void {
    this.#rewritten.set(node, slot)
  }

  /** @throws {TypeError} `INVALID_SESSION_DATA` when an array or object is nested too deep. */
  checkDepth(depth: number): void {
    if (depth > this.#limits.maxDepth) throw this.refusal('is nested deeper than maxDepth')
  }

  /** The error for what cannot be written. */
  refusal(problem: string): TypeError {
    return invalidSessionData(`${this.subject} ${problem}`)
  }

  /** Writes another name of a variable whose number is known; whether it is. */
  writeReference(slot: number): boolean {
    if (slot === UNCERTAIN) return false
    this.put(`R:${slot};`)
    return true
  }

  /** Writes a value where it was. */
  writeVariable(node: PhpNode, depth: number): void {
    if (!node.source.tangled) {
      this.#writeUntangled(node, depth)
      return
    }
    if (node.kind === 'link' && node.letter === 'R') {
      this.#writeName(node, depth)
      return
    }
    const value = resolveLinks(node)
    if (value.kind === 'object') this.#writeObject(value, node, node, depth)
    else if (value.kind === 'link') this.#writeUnmoved(value)
    else this.#writePlain(value, depth)
  }

  /** Writes an object where it need not have been: once more when it has been written. */
  writeHandle(node: ObjectNode, depth: number): void {
    const known = this.#objects.get(node)
    const slot = this.takeSlot()
    // Without a number that is certain, PHP gets a copy.
    if (known === undefined || known === UNCERTAIN) this.#writeContent(node, slot, depth)
    else this.put(`r:${known};`)
  }

  /** Writes a place that JavaScript could not hold. */
  writeLink(node: LinkNode, depth: number): void {
    if (node.letter === 'r') this.writeVariable(node, depth)
    else this.#writeName(node, depth)
  }

  #writeUntangled(node: PhpNode, depth: number): void {
    if (node.height > 0) this.checkDepth(depth + node.height - 1)
    this.#slots += node.slotCount
    this.#raw(node, node.start, node.end)
  }

  /**
   * The place of an object, which is a variable as well.
   *
   * @param variable what other names of the variable name.
   */
  #writeObject(object: ObjectNode, variable: PhpNode, place: PhpNode, depth: number): void {
    // PHP itself does not tell whether variables with the same object are the same variable.
    const isNamed = variable.source.named.has(variable) && !this.#isComparison
    const name = isNamed ? this.#variables.get(variable) : undefined
    const known = this.#objects.get(object)
    if (name === UNCERTAIN || known === UNCERTAIN) this.#writeUnmoved(place)
    else if (name !== undefined) this.writeReference(name)
    else {
      const slot = this.takeSlot()
      if (isNamed) this.#variables.set(variable, slot)
      if (known === undefined) this.#writeContent(object, slot, depth)
      else this.put(`r:${known};`)
    }
  }

  #writePlain(node: PhpNode, depth: number): void {
    const isNamed = node.source.named.has(node)
    const known = isNamed ? this.#variables.get(node) : undefined
    if (known === undefined) {
      const slot = this.takeSlot()
      if (isNamed) this.#variables.set(node, slot)
      this.#writeContent(node, slot, depth)
    } else if (!this.writeReference(known)) throw this.#numbersLost()
  }

  /** Another name of a variable: its number, or the variable itself when it has not been written. */
  #writeName(node: LinkNode, depth: number): void {
    const variable = node.target
    const target = resolveLinks(node)
    if (variable === undefined || target.kind === 'link') {
      this.#writeUnmoved(node)
      return
    }
    if (target.kind === 'object') {
      this.#writeObject(target, variable, node, depth)
      return
    }
    const slot = this.#variables.get(target) ?? this.#rewrittenSlot(node)
    if (slot === undefined) {
      if (node.levelsUp > 0 && !this.#isComparison) {
        throw this.refusal('has a PHP reference to an array around it that is no longer there')
      }
      this.#writePlain(target, depth)
    } else if (!this.writeReference(slot)) this.#writeUnmoved(node)
  }

  #rewrittenSlot({ target, levelsUp }: LinkNode): number | undefined {
    return levelsUp > 0 && target?.kind === 'array' ? this.#rewritten.get(target) : undefined
  }

  #writeContent(node: PhpNode, slot: number, depth: number): void {
    if (node.kind === 'object') this.#objects.set(node, slot)
    if (node.kind === 'object' && node.letter === 'C') {
      this.#writeOwnFormat(node)
      return
    }
    if (node.kind !== 'array' && (node.kind !== 'object' || node.letter !== 'O')) {
      this.#raw(node, node.start, node.end)
      return
    }
    this.checkDepth(depth)
    this.#raw(node, node.start, node.bodyStart)
    for (const { start, value } of node.entries) {
      this.#raw(node, start, value.start)
      this.writeVariable(value, depth + 1)
    }
    this.put('}')
  }

  #writeOwnFormat(node: ObjectNode): void {
    const inside = node.source.text.slice(node.bodyStart, node.end)
    if (/r:\d+;/i.test(inside) && !this.#isComparison && !this.#isUnmoved(node)) throw this.#numbersLost()
    this.#raw(node, node.start, node.end)
    this.#isCertain = this.#isComparison
  }

  /** Writes a link with its old number, where that still is right. */
  #writeUnmoved(node: PhpNode): void {
    if (node.kind !== 'link' || (!this.#isComparison && !this.#isUnmoved(node))) throw this.#numbersLost()
    if (node.letter === 'r') this.takeSlot()
    this.#raw(node, node.start, node.end)
  }

  /** Whether everything before a node is what it was, so that all numbers are. */
  #isUnmoved(node: PhpNode): boolean {
    return this.#text.length === node.start && node.source.text.startsWith(this.#text)
  }

  #numbersLost(): TypeError {
    return this.refusal(
      'has PHP references that cannot be renumbered, because of an object that PHP wrote in a format of its class',
    )
  }

  #raw(node: PhpNode, start: number, end: number): void {
    this.put(node.source.text.slice(start, end))
  }
}

/**
 * An object as if it had been serialised alone. Objects that are the same value, with the same values referred to, give the
 * same text wherever they were.
 *
 * @internal
 */
export function standaloneText(node: ObjectNode): string {
  if (node.standalone === undefined) {
    const writer = new NodeWriter({ maxBytes: Infinity, maxDepth: DEEPEST }, true)
    writer.writeVariable(node, 1)
    node.standalone = writer.text
  }
  return node.standalone
}

/**
 * Whether two objects are the same value.
 *
 * @internal
 */
export function areSameObjects(left: ObjectNode, right: ObjectNode): boolean {
  return isSamePlace(left, right) || standaloneText(left) === standaloneText(right)
}
