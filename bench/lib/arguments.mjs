import { parseArgs } from 'node:util'

import { contenderNamed } from './contenders.mjs'
import { fullPlan, matrixPoints, quickPlan } from './plan.mjs'

/** @typedef {'cpu' | 'startup' | 'size' | 'memory' | 'cost'} SectionName */

/** @type {readonly SectionName[]} */
export const sectionNames = ['cpu', 'startup', 'size', 'memory', 'cost']

export const usage = `npm run bench -- [options]

  --quick              a few minutes instead of ten; writes nothing into the repository
  --only <sections>    some of ${sectionNames.join(', ')}, with commas between
  --contenders <names> measure CPU of these alone, with commas between
  --matrix             CPU at every combination of the axes; takes hours
  --profile <name>     instead of all that: CPU profile of one contender, at 32 gets in flight over TLS
`

/**
 * Reads the command line.
 *
 * @param {readonly string[]} args
 * @throws {Error} when there is something in it that is not understood.
 */
export function readArguments(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      matrix: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string' },
      contenders: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const plan = values.quick ? quickPlan : fullPlan
  // The long look at the memory is asked for by name in a quick run.
  const defaultSections = values.quick ? sectionNames.filter(name => name !== 'memory') : sectionNames
  return {
    help: values.help,
    quick: values.quick,
    sections: values.only === undefined ? defaultSections : values.only.split(',').map(sectionNamed),
    contenders: values.contenders?.split(',').map(contenderNamed),
    profile: values.profile === undefined ? undefined : contenderNamed(values.profile),
    plan: values.matrix ? { ...plan, points: matrixPoints() } : plan,
  }
}

/** @param {string} name */
function sectionNamed(name) {
  const found = sectionNames.find(section => section === name)
  if (found === undefined) {
    throw new Error(`there is no section "${name}"; there are ${sectionNames.join(', ')}`)
  }
  return found
}
