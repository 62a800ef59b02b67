/** An XML element that holds either text or other elements. */
export interface XmlElement {
  readonly name: string
  /** Text with its references decoded and nothing trimmed; empty for an element that holds elements. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

interface OpenElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

const MAX_DEPTH = 16
const NAME = '[A-Za-z_][\\w.:-]*'
const ATTRIBUTE = `\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const DECLARATION = /^\uFEFF?(?:<\?xml\s[^<>?]*\?>)?/
const START_TAG = new RegExp(`<(${NAME})(?:${ATTRIBUTE})*\\s*(/?)>`, 'y')
const END_TAG = new RegExp(`</(${NAME})\\s*>`, 'y')
const TEXT = /[^<]+/y
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&/g

const NAMED_REFERENCES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/**
 * Reads an XML document of the kind that the AWS query protocol answers with: elements, text, the five named
 * references and numeric ones. Attributes and namespaces are skipped.
 *
 * Anything else is refused rather than guessed at: a document that is cut short, tags that do not match, text beside
 * elements, unknown references, and also what the protocol never uses (document types, comments, CDATA).
 *
 * @returns the root element, or `undefined` when the text is not such a document.
 */
export function readXml(text: string): XmlElement | undefined {
  const document: OpenElement = { name: '', children: [], text: '' }
  const open: OpenElement[] = [document]
  let position = DECLARATION.exec(text)?.[0].length ?? 0

  const matchHere = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match !== null) position = pattern.lastIndex
    return match
  }

  while (position < text.length) {
    const parent = open.at(-1)
    if (parent === undefined) return undefined
    const characters = matchHere(TEXT)?.[0]
    if (characters !== undefined) {
      const decoded = decodeReferences(characters)
      if (decoded === undefined) return undefined
      parent.text += decoded
      continue
    }
    const start = matchHere(START_TAG)
    if (start !== null) {
      const element: OpenElement = { name: start[1] ?? '', children: [], text: '' }
      parent.children.push(element)
      if (start[2] === '' && open.push(element) > MAX_DEPTH) return undefined
      continue
    }
    if (matchHere(END_TAG)?.[1] !== parent.name || !holdsOneKind(parent)) return undefined
    open.pop()
  }
  const isComplete = open.length === 1 && document.children.length === 1 && document.text.trim() === ''
  return isComplete ? document.children[0] : undefined
}

/**
 * The element at the end of a path of child names.
 *
 * @returns `undefined` when a step of the path is missing, or is there more than once.
 */
export function elementAt(root: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let element = root
  for (const name of path) {
    const matches: readonly XmlElement[] = element?.children.filter(child => child.name === name) ?? []
    element = matches.length === 1 ? matches[0] : undefined
  }
  return element
}

/** The text of the element at the end of a path; `undefined` when it is missing, ambiguous, empty or no text. */
export function textAt(root: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  const text = elementAt(root, ...path)?.text
  return text === '' ? undefined : text
}

/** Whether an element holds text or elements, not both. Blanks between elements are dropped. */
function holdsOneKind(element: OpenElement): boolean {
  if (element.children.length === 0) return true
  if (element.text.trim() !== '') return false
  element.text = ''
  return true
}

function decodeReferences(text: string): string | undefined {
  let isValid = true
  const decoded = text.replaceAll(REFERENCE, (_, decimal?: string, hexadecimal?: string, name?: string) => {
    const character = name === undefined ? characterOf(decimal, hexadecimal) : NAMED_REFERENCES.get(name)
    isValid &&= character !== undefined
    return character ?? ''
  })
  return isValid ? decoded : undefined
}

function characterOf(decimal: string | undefined, hexadecimal: string | undefined): string | undefined {
  const codePoint = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  const isCharacter =
    codePoint > 0 && codePoint <= 0x10_ff_ff && !(codePoint >= 0xd8_00 && codePoint <= 0xdf_ff)
  return isCharacter ? String.fromCodePoint(codePoint) : undefined
}
