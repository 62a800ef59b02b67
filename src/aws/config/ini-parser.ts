/** Properties of one section: lower-cased names, those of a nested block as `block.name`. */
export type IniSection = ReadonlyMap<string, string>

/**
 * Parses the text of a shared AWS file into its sections, by the text between their brackets (trimmed).
 *
 * It is as lenient as the AWS SDK for JavaScript: what it cannot use, it skips. The rules, line by line:
 *
 * - A comment goes from a `#` or `;` that begins the line or follows a blank to the end of the line, so that
 *   `secret#x` stays whole.
 * - `[text]` begins a section; sections of the same text are one, in which later properties win. A line that
 *   begins with `[` and is no such header ends the section too, so that what follows it is nobody's: it must not
 *   end up in the profile before.
 * - `name = value` is a property. Nothing before the first section counts, nor does a line without a name or `=`.
 * - `name =` opens a block: the indented properties that follow are `name.key`, up to the next line that is not
 *   indented. It is no property itself.
 *
 * Any name is harmless, `__proto__` included.
 */
export function parseIni(text: string): ReadonlyMap<string, IniSection> {
  const sections = new Map<string, Map<string, string>>()
  let section: Map<string, string> | undefined
  let block: string | undefined

  for (const line of text.split(/\r?\n/)) {
    const content = withoutComment(line).trim()
    if (content.startsWith('[')) {
      const header = headerOf(content)
      section = header === undefined ? undefined : sectionCalled(header, sections)
      block = undefined
      continue
    }
    const property = propertyOf(content)
    if (section === undefined || property === undefined) continue
    if (property.value === '') {
      block = property.name
      continue
    }
    if (!/^\s/.test(line)) block = undefined
    section.set(block === undefined ? property.name : `${block}.${property.name}`, property.value)
  }
  return sections
}

function withoutComment(line: string): string {
  const start = line.search(/(?:^|\s)[#;]/)
  return start === -1 ? line : line.slice(0, start)
}

/** The text between the brackets; a comment may follow the closing one without a blank. */
function headerOf(content: string): string | undefined {
  const header = /^\[([^\]]*)\](?:[#;].*)?$/.exec(content)?.[1]?.trim()
  return header === '' ? undefined : header
}

function propertyOf(content: string): { readonly name: string; readonly value: string } | undefined {
  const equals = content.indexOf('=')
  const name = content.slice(0, Math.max(equals, 0)).trim()
  return name === '' ? undefined : { name: name.toLowerCase(), value: content.slice(equals + 1).trim() }
}

function sectionCalled(header: string, sections: Map<string, Map<string, string>>): Map<string, string> {
  const existing = sections.get(header)
  if (existing !== undefined) return existing
  const section = new Map<string, string>()
  sections.set(header, section)
  return section
}
