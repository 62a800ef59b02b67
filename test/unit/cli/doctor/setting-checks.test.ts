import { describe, expect, it } from 'vitest'

import { ignoredSettings } from '../../../../src/cli/doctor/setting-checks.ts'
import { temporaryHome } from '../../../support/temporary-home.ts'

describe('ignoredSettings', () => {
  it.each<[string, string, readonly RegExp[]]>([
    ['AWS_RETRY_MODE', 'standard', []],
    ['AWS_RETRY_MODE', 'adaptive', [/is adaptive, and calls are retried in the standard mode$/]],
    ['AWS_RETRY_MODE', 'legacy', [/is legacy/]],
    ['AWS_RETRY_MODE', 'hunter2', [/is no retry mode/]],
    ['AWS_MAX_ATTEMPTS', '4', []],
    ['AWS_MAX_ATTEMPTS', '', []],
    ['AWS_MAX_ATTEMPTS', 'hunter2', [/is not a whole number from 1/]],
    ['AWS_MAX_ATTEMPTS', '0', [/is not a whole number from 1/]],
    ['AWS_DEFAULTS_MODE', 'legacy', []],
    ['AWS_DEFAULTS_MODE', 'auto', [/has no effect/]],
    ['AWS_STS_REGIONAL_ENDPOINTS', 'regional', []],
    ['AWS_STS_REGIONAL_ENDPOINTS', 'legacy', [/STS is called in the region/]],
    ['AWS_AUTH_SCHEME_PREFERENCE', 'sigv4,sigv4a', []],
    ['AWS_AUTH_SCHEME_PREFERENCE', 'sigv4a,sigv4', [/Signature Version 4/]],
    ['AWS_ENABLE_ENDPOINT_DISCOVERY', 'false', []],
    ['AWS_ENABLE_ENDPOINT_DISCOVERY', 'true', [/not discovered/]],
    ['AWS_USE_FIPS_ENDPOINT', 'TRUE', []],
    ['AWS_USE_FIPS_ENDPOINT', 'yes', [/neither true nor false/]],
    ['AWS_METADATA_SERVICE_TIMEOUT', '5', []],
    ['AWS_METADATA_SERVICE_TIMEOUT', '0.5', [/from 1 to 99/]],
    ['ALL_PROXY', 'socks5://hunter2', [/HTTPS_PROXY/]],
    ['AWS_CREDENTIAL_SCOPE', 'hunter2', [/has no effect/]],
    ['HTTPS_PROXY', 'http://proxy.test:3128', []],
    ['AWS_CA_BUNDLE', '/etc/bundle.pem', []],
  ])('of %s=%s says %s', async (name, value, expected) => {
    const { environment } = await temporaryHome()
    const said = await ignoredSettings({ ...environment, [name]: value })
    expect(said.map((text, index) => expected[index]?.test(text))).toEqual(expected.map(() => true))
    expect(said.join()).not.toContain('hunter2')
    for (const text of said) expect(text.startsWith(`${name} `)).toBe(true)
  })

  it('reads the profile, too', async () => {
    const { environment } = await temporaryHome({
      config: '[profile dev]\nretry_mode = adaptive\nmax_attempts = many\n[default]\ndefaults_mode = auto\n',
    })
    expect(await ignoredSettings(environment, 'dev')).toEqual([
      expect.stringMatching(/^retry_mode of the profile "dev" is adaptive/),
      expect.stringMatching(/^max_attempts of the profile "dev" is not a whole number/),
    ])
    expect(await ignoredSettings(environment)).toEqual([
      expect.stringMatching(/^defaults_mode of the profile "default" has no effect/),
    ])
  })
})
