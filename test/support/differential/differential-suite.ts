import { expect, test } from 'vitest'
import type { Outcome } from './outcome.ts'
import { ourOutcome } from './ours.ts'
import type { Scenario } from './scenario.ts'

/** Makes a test of each scenario, whose outcome has to be the one that is expected. */
export function testScenarios(
  scenarios: readonly Scenario[],
  expectations: ReadonlyMap<string, { readonly outcome: Outcome | undefined }>,
): void {
  test.each(scenarios.map(scenario => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const expected = expectations.get(name)?.outcome
    expect(expected, 'nothing says what is expected').toBeDefined()
    expect(await ourOutcome(scenario)).toEqual(expected)
  })
}
