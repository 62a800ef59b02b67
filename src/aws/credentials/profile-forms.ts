import type { ConfigSection } from '../config/shared-config.ts'

/** Where the credentials come from that a role is assumed with. */
export type RoleSource =
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'credential-source'; readonly name: string }

/** A role that a profile names. */
export interface ProfileRole {
  readonly roleArn: string
  readonly roleSessionName: string | undefined
  readonly externalId: string | undefined
  readonly durationSeconds: number
  /** Serial number of the multi-factor authentication device that the role asks for. */
  readonly mfaSerial: string | undefined
}

/** What a profile says about credentials, in one of the forms that there are. */
export type ProfileForm =
  | { readonly kind: 'static' }
  | { readonly kind: 'role'; readonly role: ProfileRole; readonly source: RoleSource }
  | { readonly kind: 'source'; readonly source: RoleSource }
  | {
      readonly kind: 'web-identity'
      readonly roleArn: string
      readonly roleSessionName: string | undefined
      readonly tokenFile: string
    }
  | { readonly kind: 'process' }
  | { readonly kind: 'sso' }
  | { readonly kind: 'login' }
  /** It is about credentials, but none of the forms is complete. The reason continues "the profile "x" ...". */
  | { readonly kind: 'broken'; readonly reason: string }
  /** It is complete, and a value in it is one that STS refuses. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It is about something else, such as a region. */
  | { readonly kind: 'none' }

const DEFAULT_DURATION_SECONDS = 3600
const SSO_PROPERTIES = [
  'sso_session',
  'sso_start_url',
  'sso_region',
  'sso_account_id',
  'sso_role_name',
] as const

/**
 * Decides which form of credentials a profile has, in the order of the AWS SDK for JavaScript: a role with a source,
 * static keys, web identity, a credential process, SSO, a log-in session.
 *
 * A role without a source of credentials, or with two, gives way to a later form, as in that SDK: tools that write
 * ready keys leave the role that they are for beside them. Without a later form the profile is broken.
 *
 * @param asSource whether another profile takes its credentials from this one. Then static keys come first, and a
 *   `credential_source` needs no role.
 */
export function formOfProfile(profile: ConfigSection, asSource: boolean): ProfileForm {
  const property = (name: string): string | undefined => {
    const value = profile.get(name)
    return value === '' ? undefined : value
  }
  const isStatic =
    property('aws_access_key_id') !== undefined && property('aws_secret_access_key') !== undefined
  const roleArn = property('role_arn')
  const tokenFile = property('web_identity_token_file')
  const sources = sourcesOf(property('source_profile'), property('credential_source'))
  const [source, otherSource] = sources

  if (asSource && isStatic) return { kind: 'static' }
  if (roleArn !== undefined && source !== undefined && otherSource === undefined) {
    return roleFormOf(roleArn, source, property)
  }
  if (asSource && source?.kind === 'credential-source') return { kind: 'source', source }
  if (isStatic) return { kind: 'static' }
  if (tokenFile !== undefined && roleArn !== undefined) {
    return { kind: 'web-identity', roleArn, roleSessionName: property('role_session_name'), tokenFile }
  }
  if (property('credential_process') !== undefined) return { kind: 'process' }
  if (SSO_PROPERTIES.some(name => property(name) !== undefined)) return { kind: 'sso' }
  if (property('login_session') !== undefined) return { kind: 'login' }
  const reason = incompleteReason(property)
  return reason === undefined ? { kind: 'none' } : { kind: 'broken', reason }
}

type PropertyReader = (name: string) => string | undefined

function sourcesOf(profile: string | undefined, credentialSource: string | undefined): readonly RoleSource[] {
  const sources: RoleSource[] = []
  if (profile !== undefined) sources.push({ kind: 'profile', name: profile })
  if (credentialSource !== undefined) sources.push({ kind: 'credential-source', name: credentialSource })
  return sources
}

function roleFormOf(roleArn: string, source: RoleSource, property: PropertyReader): ProfileForm {
  const duration = property('duration_seconds')
  if (duration !== undefined && !/^[1-9]\d{0,8}$/.test(duration)) {
    return { kind: 'refused', reason: 'has a duration_seconds that is not a whole number of seconds' }
  }
  const role: ProfileRole = {
    roleArn,
    roleSessionName: property('role_session_name'),
    externalId: property('external_id'),
    durationSeconds: duration === undefined ? DEFAULT_DURATION_SECONDS : Number(duration),
    mfaSerial: property('mfa_serial'),
  }
  return { kind: 'role', role, source }
}

function incompleteReason(property: PropertyReader): string | undefined {
  const has = (name: string): boolean => property(name) !== undefined
  if (has('role_arn') && has('source_profile') && has('credential_source')) {
    return 'has both source_profile and credential_source for its role_arn; remove one of them'
  }
  if (has('role_arn') && !has('source_profile') && !has('credential_source')) {
    return (
      'has role_arn and nothing to assume the role with; add source_profile, credential_source or ' +
      'web_identity_token_file'
    )
  }
  if (has('aws_access_key_id')) return 'has aws_access_key_id and no aws_secret_access_key'
  if (has('aws_secret_access_key')) return 'has aws_secret_access_key and no aws_access_key_id'
  if (has('aws_session_token')) return 'has aws_session_token and no keys'
  if (has('web_identity_token_file')) return 'has web_identity_token_file and no role_arn'
  if (has('source_profile')) return 'has source_profile and no role_arn'
  if (has('credential_source')) return 'has credential_source and no role_arn'
  return undefined
}
