import { describe, expect, test } from 'vitest'
import { deliberateDifferences } from './deliberate-differences.ts'
import { isAbout, readExpectations } from './expectations.ts'
import { scenarios } from './scenarios.ts'

/*
 * The tables themselves: every scenario is told apart, recorded, and different only where there is a reason.
 */

const expectations = await readExpectations()
const names = scenarios.map(({ name }) => name)

test('there are several hundred scenarios, each with a name of its own', () => {
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThan(500)
})

test('a few dozen run in processes of their own', () => {
  expect(scenarios.filter(({ inChildProcess }) => inChildProcess).length).toBeGreaterThan(36)
})

test('no scenario leads off this machine', () => {
  const metadata = scenarios.filter(
    ({ environment }) =>
      environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] === null ||
      environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] === '' ||
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' in environment,
  )
  expect(metadata).toEqual([])
  expect(JSON.stringify(scenarios)).not.toContain('169.254.')
})

test('the AWS SDK was asked in every scenario in which it can be', () => {
  const unrecorded = names.filter(name => expectations.get(name)?.recorded === undefined)
  expect(unrecorded).toEqual(scenarios.filter(({ notForSdk }) => notForSdk).map(({ name }) => name))
})

test('no scenario has two reasons to differ', () => {
  expect(names.filter(name => (expectations.get(name)?.differences.length ?? 0) > 1)).toEqual([])
})

describe.each(deliberateDifferences.map(difference => [difference.reason, difference] as const))(
  'difference: %s',
  (_reason, difference) => {
    test('every entry is about a scenario', () => {
      const unused = difference.scenarios.filter(
        pattern => !names.some(name => isAbout({ ...difference, scenarios: [pattern] }, name)),
      )
      expect(unused).toEqual([])
    })

    test('every scenario does differ', () => {
      const same = names.filter(name => {
        const { recorded, outcome } = expectations.get(name) ?? {}
        return isAbout(difference, name) && JSON.stringify(recorded) === JSON.stringify(outcome)
      })
      expect(same).toEqual([])
    })
  },
)
