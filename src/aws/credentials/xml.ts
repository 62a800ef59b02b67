/** An XML element that holds either text or other elements. */
interface XmlElement {
  readonly name: string
  readonly children: XmlElement[]
  /** Text with its references decoded and nothing trimmed; empty for an element that holds elements. */
  text: string
}

const MAX_DEPTH = 16
const NAME = '[A-Za-z_][\\w.:-]*'
const ATTRIBUTE = `\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const DECLARATION = /^\uFEFF?(?:<\?xml\s[^<>?]*\?>)?/
/** What comes next: text, a tag that starts an element (and ends it, with the slash), or one that ends it. */
const TOKEN = new RegExp(
  `(?<characters>[^<]+)|<(?<start>${NAME})(?:${ATTRIBUTE})*\\s*(?<slash>/?)>|</(?<end>${NAME})\\s*>`,
  'y',
)
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&/g

const NAMED_REFERENCES: ReadonlyMap<string | undefined, string> = new Map([
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
 * @returns an element that holds the root element alone, or `undefined` when the text is not such a document.
 */
export function readXml(text: string): XmlElement | undefined {
  const document: XmlElement = { name: '', children: [], text: '' }
  const open = [document]
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0
  while (TOKEN.lastIndex < text.length) {
    const parent = open.at(-1)
    const { characters, start, slash, end } = TOKEN.exec(text)?.groups ?? {}
    if (parent === undefined) return undefined
    if (characters !== undefined) {
      const decoded = decodeReferences(characters)
      if (decoded === undefined) return undefined
      parent.text += decoded
    } else if (start !== undefined) {
      const element: XmlElement = { name: start, children: [], text: '' }
      parent.children.push(element)
      if (slash === '' && open.push(element) > MAX_DEPTH) return undefined
    } else if (end !== parent.name || !holdsOneKind(parent)) {
      return undefined
    } else {
      open.pop()
    }
  }
  const isComplete = open.length === 1 && document.children.length === 1 && holdsOneKind(document)
  return isComplete ? document : undefined
}

/**
 * The element at the end of a path of child names.
 *
 * @returns `undefined` when a step of the path is missing, or is there more than once.
 */
export function elementAt(root: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let element = root
  for (const name of path) {
    const matches = element?.children.filter(child => child.name === name) ?? []
    element = matches.length === 1 ? matches[0] : undefined
  }
  return element
}

/** The text of the element at the end of a path; `undefined` when it is missing, ambiguous, empty or no text. */
export function textAt(root: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  return elementAt(root, ...path)?.text || undefined
}

/** Whether an element holds text or elements, not both. Blanks between elements are dropped. */
function holdsOneKind(element: XmlElement): boolean {
  if (element.children.length === 0) return true
  const isBlank = element.text.trim() === ''
  element.text = ''
  return isBlank
}

function decodeReferences(text: string): string | undefined {
  let isValid = true
  const decoded = text.replaceAll(REFERENCE, (_, decimal?: string, hexadecimal?: string, name?: string) => {
    const codePoint = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
    const isCharacter =
      codePoint > 0 && codePoint <= 0x10_ff_ff && !(codePoint >= 0xd8_00 && codePoint <= 0xdf_ff)
    const character = isCharacter ? String.fromCodePoint(codePoint) : NAMED_REFERENCES.get(name)
    isValid &&= character !== undefined
    return character ?? ''
  })
  return isValid ? decoded : undefined
}
