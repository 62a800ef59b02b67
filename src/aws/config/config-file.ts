/**
 * Properties of a profile, an `sso-session` or a `services` section: lower-cased names, those of a nested block as
 * `block.name`.
 */
export type ConfigSection = ReadonlyMap<string, string>

/** What the config file and the credentials file say together. */
export interface SharedConfig {
  /** Profiles by name. A property of the credentials file wins over the same one of the config file. */
  readonly profiles: ReadonlyMap<string, ConfigSection>
  /** `[sso-session NAME]` sections of the config file by name. */
  readonly ssoSessions: ReadonlyMap<string, ConfigSection>
  /** `[services NAME]` sections of the config file by name. */
  readonly services: ReadonlyMap<string, ConfigSection>
  /** Files that count as absent because this process may not read them: messages about what is missing say so. */
  readonly withheld: readonly string[]
}

/**
 * Merges the texts of the two files.
 *
 * In the config file a profile is `[profile NAME]` (the name may be quoted, and has to be if it contains blanks) or
 * `[default]`, of which a `[profile default]` with properties takes the place altogether. In the credentials file it
 * is `[NAME]`. Sections that are neither these nor `sso-session` or `services` are ignored.
 *
 * @internal
 */
export function mergeFiles(configText: string, credentialsText: string): SharedConfig {
  const profiles: Sections = new Map()
  const ssoSessions: Sections = new Map()
  const services: Sections = new Map()
  const kinds = new Map<string | undefined, Sections>([
    ['profile', profiles],
    ['sso-session', ssoSessions],
    ['services', services],
  ])
  const configSections = parseIni(configText)
  for (const [header, section] of configSections) {
    const [, kind, , quoted, bare] = TITLE.exec(header) ?? []
    const sections = kinds.get(kind)
    // The same name can be written with and without quotation marks: such sections are one.
    if (sections !== undefined) addTo(sections, quoted ?? bare ?? '', section)
  }
  const unprefixedDefault = configSections.get('default')
  if (unprefixedDefault !== undefined && !profiles.get('default')?.size) {
    profiles.set('default', unprefixedDefault)
  }
  for (const [header, section] of parseIni(credentialsText)) {
    if (!/^(?:profile|sso-session|services)\s/.test(header)) addTo(profiles, header, section)
  }
  return { profiles, ssoSessions, services, withheld: [] }
}

type Sections = Map<string, ConfigSection>

const TITLE = /^(profile|sso-session|services)\s+(?:(["'])(.+)\2|([\w\-@+.%:/]+))$/

/** Adds a section; where there is one of that name, its properties win over those that are there. */
function addTo(sections: Sections, name: string, section: ConfigSection): void {
  const earlier = sections.get(name)
  sections.set(name, earlier === undefined ? section : new Map([...earlier, ...section]))
}

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
export function parseIni(text: string): ReadonlyMap<string, ConfigSection> {
  const sections = new Map<string, Map<string, string>>()
  let section: Map<string, string> | undefined
  let block: string | undefined

  for (const line of text.split(/\r?\n/)) {
    const content = withoutComment(line).trim()
    if (content.startsWith('[')) {
      const header = headerOf(content)
      section = header === undefined ? undefined : (sections.get(header) ?? new Map())
      if (header !== undefined && section !== undefined) sections.set(header, section)
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
