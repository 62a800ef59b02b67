import { parseIni } from './ini-parser.ts'
import type { ConfigSection, SharedConfig } from './shared-config.ts'

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
  const kinds = {
    profile: new Map<string, ConfigSection>(),
    'sso-session': new Map<string, ConfigSection>(),
    services: new Map<string, ConfigSection>(),
  }
  const configSections = parseIni(configText)
  for (const [header, section] of configSections) {
    const title = titleOf(header)
    // The same name can be written with and without quotation marks: such sections are one.
    if (title !== undefined) addTo(kinds[title.kind], title.name, section)
  }
  const unprefixedDefault = configSections.get('default')
  if (unprefixedDefault !== undefined && !kinds.profile.get('default')?.size) {
    kinds.profile.set('default', unprefixedDefault)
  }
  for (const [header, section] of parseIni(credentialsText)) {
    if (/^(?:profile|sso-session|services)\s/.test(header)) continue
    addTo(kinds.profile, header, section)
  }
  return {
    profiles: kinds.profile,
    ssoSessions: kinds['sso-session'],
    services: kinds.services,
    withheld: [],
  }
}

interface SectionTitle {
  readonly kind: 'profile' | 'sso-session' | 'services'
  readonly name: string
}

function titleOf(header: string): SectionTitle | undefined {
  const [, kind, , quoted, bare] =
    /^(profile|sso-session|services)\s+(?:(["'])(.+)\2|([\w\-@+.%:/]+))$/.exec(header) ?? []
  const name = quoted ?? bare
  return name === undefined ? undefined : { kind: kind as SectionTitle['kind'], name }
}

/** Adds a section; where there is one of that name, its properties win over those that are there. */
function addTo(sections: Map<string, ConfigSection>, name: string, section: ConfigSection): void {
  const earlier = sections.get(name)
  sections.set(name, earlier === undefined ? section : new Map([...earlier, ...section]))
}
