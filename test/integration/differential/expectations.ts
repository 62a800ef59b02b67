import { readFile } from 'node:fs/promises'
import type { Outcome } from '../../support/differential/outcome.ts'
import { type DeliberateDifference, deliberateDifferences } from './deliberate-differences.ts'
import { scenarios } from './scenarios.ts'

/** What is expected of a scenario. */
export interface Expectation {
  /** What the AWS SDK for JavaScript did; `undefined` where it could not be asked. */
  readonly recorded: Outcome | undefined
  /** Differences that say something about the scenario: one at most. */
  readonly differences: readonly DeliberateDifference[]
  /** What this package has to do. */
  readonly outcome: Outcome | undefined
}

/**
 * Reads what the AWS SDK did (November 2026: `@aws-sdk/credential-provider-node` 3.972.97 and `@aws-sdk/client-dynamodb`
 * 3.1164.0, each scenario in a process of its own, cut off from every network but the loopback interface), and puts
 * together what is expected of each scenario.
 */
export async function readExpectations(): Promise<ReadonlyMap<string, Expectation>> {
  const text = await readFile(new URL('recorded.json', import.meta.url), 'utf8')
  const recordings = new Map(Object.entries(JSON.parse(text) as Record<string, Outcome>))
  return new Map(scenarios.map(({ name }) => [name, expectationOf(name, recordings.get(name))]))
}

/** Whether a difference is about a scenario. */
export function isAbout({ scenarios: names }: DeliberateDifference, name: string): boolean {
  return names.some(pattern => (typeof pattern === 'string' ? pattern === name : pattern.test(name)))
}

function expectationOf(name: string, recorded: Outcome | undefined): Expectation {
  const differences = deliberateDifferences.filter(difference => isAbout(difference, name))
  const [difference] = differences
  if (difference === undefined) return { recorded, differences, outcome: recorded }
  const { better } = difference
  return { recorded, differences, outcome: typeof better === 'function' ? better(recorded ?? {}) : better }
}
