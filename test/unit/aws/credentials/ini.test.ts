import { describe, expect, it } from 'vitest'
import { formOfProfile, type ProfileForm } from '../../../../src/aws/credentials/ini.ts'

const keys = { aws_access_key_id: 'AKID', aws_secret_access_key: 's3cret' }
const role = { role_arn: 'arn:aws:iam::123456789012:role/r' }
const webIdentity = { ...role, web_identity_token_file: '/token' }
const process = { credential_process: 'true' }
const sso = { sso_account_id: '123456789012' }
const login = { login_session: 'arn:aws:iam::123456789012:user/u' }

function formOf(properties: Readonly<Record<string, string>>, asSource = false): ProfileForm {
  return formOfProfile(new Map(Object.entries(properties)), asSource)
}

describe('formOfProfile', () => {
  it.each<[form: string, properties: Readonly<Record<string, string>>]>([
    ['role', { ...role, source_profile: 'p', ...keys, ...webIdentity, ...process, ...sso, ...login }],
    ['role', { ...role, credential_source: 'Environment', ...keys, ...process, ...sso, ...login }],
    ['static', { ...keys, ...webIdentity, ...process, ...sso, ...login }],
    ['static', { ...keys, source_profile: 'p', credential_source: 'Environment' }],
    ['web-identity', { ...webIdentity, ...process, ...sso, ...login }],
    ['web-identity', { ...webIdentity, source_profile: 'p', credential_source: 'Environment' }],
    ['static', { ...role, ...keys }],
    ['process', { ...role, ...process }],
    ['process', { ...process, ...sso, ...login }],
    ['process', { ...process, aws_access_key_id: 'AKID' }],
    ['sso', { ...sso, ...login }],
    ['sso', { sso_session: 's' }],
    ['sso', { sso_start_url: 'https://example.com' }],
    ['sso', { sso_region: 'eu-west-1' }],
    ['sso', { sso_role_name: 'r' }],
    ['login', login],
    ['none', {}],
    ['none', { region: 'eu-west-1', output: 'json', sso_registration_scopes: 'x' }],
    ['none', { aws_access_key_id: '', aws_secret_access_key: '', role_arn: '' }],
  ])('is %s for %o', (kind, properties) => {
    expect(formOf(properties).kind).toBe(kind)
  })

  it.each<[properties: Readonly<Record<string, string>>, reason: RegExp]>([
    [role, /role_arn and nothing to assume the role with/],
    [
      { ...role, source_profile: 'p', credential_source: 'Environment' },
      /both source_profile and credential_source/,
    ],
    [{ aws_access_key_id: 'AKID' }, /no aws_secret_access_key/],
    [{ aws_secret_access_key: 's3cret' }, /no aws_access_key_id/],
    [{ aws_access_key_id: 'AKID', aws_secret_access_key: '' }, /no aws_secret_access_key/],
    [{ aws_session_token: 's3cret' }, /aws_session_token and no keys/],
    [{ web_identity_token_file: '/token' }, /no role_arn/],
    [{ source_profile: 'p' }, /source_profile and no role_arn/],
    [{ credential_source: 'Environment' }, /credential_source and no role_arn/],
  ])('is broken for %o', (properties, reason) => {
    const form = formOf(properties)
    expect(form).toEqual({ kind: 'broken', reason: expect.stringMatching(reason) as unknown })
    expect(JSON.stringify(form)).not.toContain('s3cret')
  })

  it.each(['1h', '-1', '0', '0900', '900.5', '1e3', '99999999999'])(
    'is refused for the duration %j',
    duration => {
      const form = formOf({ ...role, source_profile: 'p', duration_seconds: duration })
      expect(form).toEqual({ kind: 'refused', reason: expect.stringMatching(/duration_seconds/) as unknown })
    },
  )

  it('has everything that a role may have', () => {
    const settings = {
      role_session_name: 'name',
      external_id: 'external',
      duration_seconds: '900',
      mfa_serial: 'serial',
    }
    expect(formOf({ ...role, source_profile: 'p', ...settings })).toEqual({
      kind: 'role',
      source: { kind: 'profile', name: 'p' },
      params: {
        RoleArn: role.role_arn,
        RoleSessionName: 'name',
        ExternalId: 'external',
        DurationSeconds: 900,
        SerialNumber: 'serial',
      },
    })
    expect(formOf({ ...role, credential_source: 'EcsContainer' })).toEqual({
      kind: 'role',
      source: { kind: 'credential-source', name: 'EcsContainer' },
      params: {
        RoleArn: role.role_arn,
        RoleSessionName: undefined,
        ExternalId: undefined,
        DurationSeconds: 3600,
        SerialNumber: undefined,
      },
    })
  })

  it('has everything that web identity may have', () => {
    expect(formOf({ ...webIdentity, role_session_name: 'name' })).toEqual({
      kind: 'web-identity',
      role: { roleArn: role.role_arn, roleSessionName: 'name', webIdentityTokenFile: '/token' },
    })
  })

  describe('of the source of another profile', () => {
    it('is static as soon as there are keys', () => {
      expect(formOf({ ...keys, ...role, source_profile: 'p' }, true).kind).toBe('static')
      expect(formOf({ ...keys, ...role }, true).kind).toBe('static')
    })

    it('may be a credential_source without a role', () => {
      expect(formOf({ credential_source: 'Environment' }, true)).toEqual({
        kind: 'source',
        source: { kind: 'credential-source', name: 'Environment' },
      })
    })

    it('may be any other form', () => {
      expect(formOf({ ...role, source_profile: 'p' }, true).kind).toBe('role')
      expect(formOf(webIdentity, true).kind).toBe('web-identity')
      expect(formOf(login, true).kind).toBe('login')
      expect(formOf({ source_profile: 'p' }, true).kind).toBe('broken')
      expect(formOf({}, true).kind).toBe('none')
    })
  })
})
