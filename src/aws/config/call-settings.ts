import { booleanSetting, type Environment, settingOf } from './environment.ts'
import type { ConfigSection } from './shared-config.ts'

/** How calls are repeated, whatever the service. */
export interface CallSettings {
  /** Most times a call is sent, the first included; `undefined` when nothing says. */
  readonly maxAttempts: number | undefined
  /** Whether a wrong clock may be corrected by the server's. */
  readonly correctsClockSkew: boolean
}

/** The settings of the environment, else of the profile. */
export function callSettings(environment: Environment, profile: ConfigSection | undefined): CallSettings {
  return {
    maxAttempts: settingOf(environment, profile, 'AWS_MAX_ATTEMPTS', 'max_attempts', toPositiveInteger),
    correctsClockSkew:
      settingOf(
        environment,
        profile,
        'AWS_DISABLE_CLOCK_SKEW_CORRECTION',
        'disable_clock_skew_correction',
        booleanSetting,
      ) !== true,
  }
}

function toPositiveInteger(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : 0
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}
