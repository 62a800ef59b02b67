import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { type ConfigSection, mergeFiles } from '../../../../src/aws/config/config-file.ts'

type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>

interface ParserCase {
  readonly name: string
  readonly input: { readonly configFile?: string; readonly credentialsFile?: string }
  readonly output: {
    readonly config?: { readonly profiles: Sections; readonly sso_sessions?: Sections }
    readonly errorContaining?: string
  }
}

/*
 * The cases describe what the AWS SDKs were to agree on. The SDK for JavaScript never did: it skips what it cannot use
 * and has its own idea of indented lines. Where files work with it, they have to work here, so the following cases
 * have another outcome, for one of these reasons:
 *
 * - "skipped": a line that cannot be used would make the whole file invalid; it is passed over. The profiles that the
 *   other lines make up stay usable.
 * - "continuation": an indented line without "=" would be appended to the value above; it is passed over.
 * - "empty": a property with an empty value would exist; it opens a block, and is as good as absent.
 * - "block": the properties of a block would be one text of several lines; each is a property `block.name`.
 * - "name": a property, or a profile of the credentials file, whose name contains blanks would not exist; it does, and
 *   is found by those that ask for that very name.
 */
const OTHER_OUTCOMES: ReadonlyMap<string, readonly [reason: string, profiles: Sections]> = new Map([
  ['Profile definitions must end with brackets.', ['skipped', {}]],
  ['Properties must be defined in a profile.', ['skipped', {}]],
  ['Property key cannot be empty.', ['skipped', { foo: {} }]],
  ['Property definitions must contain an equals sign.', ['skipped', { foo: {} }]],
  ['Continuations cannot be used outside of a profile.', ['skipped', {}]],
  ['Continuations cannot be used outside of a property.', ['skipped', { foo: {} }]],
  ['Continuations reset with profile definitions.', ['skipped', { foo: { name: 'value' } }]],
  ['Invalid continuation', ['skipped', { foo: { name: 'value' } }]],
  ['Invalid sub-property definitions cause an error.', ['skipped', { foo: {} }]],
  ['Sub-property definitions cannot have an empty name.', ['skipped', { foo: {} }]],
  ['Property values can be continued on the next line.', ['continuation', { foo: { name: 'value' } }]],
  ['Property values can be continued with multiple lines.', ['continuation', { foo: { name: 'value' } }]],
  ['Continuations are trimmed.', ['continuation', { foo: { name: 'value' } }]],
  ['Continuation values include pound comments.', ['continuation', { foo: { name: 'value' } }]],
  ['Continuation values include semicolon comments.', ['continuation', { foo: { name: 'value' } }]],
  ['Property values can be empty.', ['empty', { foo: {} }]],
  ['Sub-property definitions can have an empty value.', ['empty', { foo: {} }]],
  ['Properties can have sub-properties.', ['block', { foo: { 's3.name': 'value' } }]],
  ['Sub-property definitions can have an invalid name.', ['block', { foo: { 's3.in valid': 'value' } }]],
  [
    'Sub-properties can have blank lines that are ignored',
    ['block', { foo: { 's3.name': 'value', 's3.name2': 'value2' } }],
  ],
  ['Invalid property names are ignored.', ['name', { foo: { 'in valid': 'value' } }]],
  ['Invalid profile names are ignored.', ['name', { 'in valid 2': { name2: 'value2' } }]],
])

const publicCases = new URL('../../../../../shared/data/profile-parser-tests.json', import.meta.url)

describe.skipIf(!existsSync(publicCases))('the cases that the AWS SDKs share', () => {
  const cases = existsSync(publicCases)
    ? (JSON.parse(readFileSync(publicCases, 'utf8')) as { readonly tests: readonly ParserCase[] }).tests
    : []

  test('are complete, and 43 of 65 have the same outcome', () => {
    expect(cases.length).toBe(65)
    expect(cases.filter(({ name }) => !OTHER_OUTCOMES.has(name)).length).toBe(43)
  })

  test('the others have another one', () => {
    const expected = new Map(cases.map(({ name, output }) => [name, output.config?.profiles]))
    for (const [name, [, profiles]] of OTHER_OUTCOMES) expect(expected.get(name)).not.toEqual(profiles)
  })

  test.each(cases)('$name', ({ name, input, output }) => {
    const { profiles, ssoSessions } = mergeFiles(input.configFile ?? '', input.credentialsFile ?? '')
    const [, other] = OTHER_OUTCOMES.get(name) ?? []
    const expected = other ?? output.config?.profiles
    expect(plain(profiles)).toEqual(expected)
    expect(plain(ssoSessions)).toEqual(output.config?.sso_sessions ?? {})
  })
})

function plain(sections: ReadonlyMap<string, ConfigSection>): Sections {
  return Object.fromEntries([...sections].map(([name, section]) => [name, Object.fromEntries(section)]))
}
