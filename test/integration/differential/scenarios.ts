import type { Scenario } from '../../support/differential/scenario.ts'
import { chainScenarios } from './chain-scenarios.ts'
import { endpointScenarios } from './endpoint-scenarios.ts'
import { loginScenarios } from './login-scenarios.ts'
import { profileScenarios } from './profile-scenarios.ts'
import { remoteScenarios } from './remote-scenarios.ts'

/** Every scenario, in the order in which they are recorded. */
export const scenarios: readonly Scenario[] = [
  ...chainScenarios,
  ...profileScenarios,
  ...loginScenarios,
  ...remoteScenarios,
  ...endpointScenarios,
]
