import { costSettings, costStores, costWorkloads, describeSetting, isOurs, prices } from './cost-plan.mjs'
import { number } from './markdown.mjs'

/** @typedef {import('./measure-cost.mjs').MeasuredCost} MeasuredCost */
/** @typedef {import('./measure-cost.mjs').CostCount} CostCount */
/** @typedef {import('./cost-plan.mjs').CostSetting} CostSetting */

/** @param {CostCount} count */
export function dollarsPerMillionViews({ readUnits, writeUnits, views }) {
  return (readUnits * prices.dollarsPerMillionReads + writeUnits * prices.dollarsPerMillionWrites) / views
}

/**
 * @param {readonly MeasuredCost[]} measured
 * @param {string} workload
 * @param {string} store
 * @param {CostSetting} setting
 */
export function countOf(measured, workload, store, setting) {
  return measured.find(
    cost =>
      cost.workload === workload &&
      cost.store === store &&
      cost.setting.resave === setting.resave &&
      cost.setting.rolling === setting.rolling,
  )?.count
}

/**
 * Settings in groups, each with the count that all of the group have.
 *
 * @param {readonly MeasuredCost[]} measured
 * @param {string} workload
 * @param {string} store
 */
export function groupedCounts(measured, workload, store) {
  /** @type {{ settings: CostSetting[], count: CostCount }[]} */
  const groups = []
  for (const setting of costSettings) {
    const count = countOf(measured, workload, store, setting)
    if (count === undefined) continue
    const group = groups.find(known => isSameCount(known.count, count))
    if (group === undefined) groups.push({ settings: [setting], count })
    else group.settings.push(setting)
  }
  return groups
}

/**
 * The size of an item is that of one moment and is left aside.
 *
 * @param {CostCount} left
 * @param {CostCount} right
 */
function isSameCount(left, right) {
  return JSON.stringify({ ...left, itemBytes: 0 }) === JSON.stringify({ ...right, itemBytes: 0 })
}

/**
 * Names settings that have the same results.
 *
 * @param {readonly CostSetting[]} settings
 */
export function describeSettings(settings) {
  if (settings.length === costSettings.length) return 'all'
  const values = {
    resave: new Set(settings.map(({ resave }) => resave)),
    rolling: new Set(settings.map(({ rolling }) => rolling)),
  }
  // "on or off" of both would say too much of, for example, two settings that differ in both.
  if (values.resave.size * values.rolling.size !== settings.length) {
    return settings.map(describeSetting).join('; ')
  }
  return Object.entries(values)
    .map(([name, found]) => `${name} ${found.size === 2 ? 'on or off' : found.has(true) ? 'on' : 'off'}`)
    .join(', ')
}

/**
 * Everything in which somebody else costs less than ours with some options and settings, in sentences.
 *
 * @param {readonly MeasuredCost[]} measured
 * @returns {string[]}
 */
export function costLosses(measured) {
  const losses = []
  for (const { name: workload, label } of costWorkloads) {
    for (const ours of costStores.filter(({ name }) => isOurs(name))) {
      const cheaper = costStores
        .filter(({ name }) => !isOurs(name))
        .map(other => lossAgainst(measured, workload, ours.name, other))
        .filter(loss => loss !== undefined)
      if (cheaper.length > 0) losses.push(`cost: ${label}: ${ours.label}: ${cheaper.join('; ')}`)
    }
  }
  return losses
}

/**
 * @param {readonly MeasuredCost[]} measured
 * @param {string} workload
 * @param {string} oursName
 * @param {import('./cost-plan.mjs').CostStore} other
 */
function lossAgainst(measured, workload, oursName, { name, label }) {
  const lost = costSettings.flatMap(setting => {
    const ours = countOf(measured, workload, oursName, setting)
    const theirs = countOf(measured, workload, name, setting)
    if (ours === undefined || theirs === undefined) return []
    const ratio = dollarsPerMillionViews(ours) / dollarsPerMillionViews(theirs)
    return ratio > 1 ? [{ setting, ratio, theirs }] : []
  })
  if (lost.length === 0) return undefined
  const ratios = range(
    lost.map(({ ratio }) => ratio),
    '×',
  )
  const settings = describeSettings(lost.map(({ setting }) => setting))
  const [first] = lost
  const changesLost = lost.map(({ theirs }) => theirs.lostChanges)
  const losing = changesLost.some(count => count > 0)
    ? `, which lost ${range(changesLost)} of ${first?.theirs.changes} changes`
    : ''
  return `${ratios} (${settings}) the cost of ${label}${losing}`
}

/**
 * @param {readonly number[]} values
 * @param {string} [unit]
 */
function range(values, unit = '') {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(value => {
    return Number.isInteger(value) ? `${value}${unit}` : number(value, unit)
  })
  return least === most ? least : `${least} to ${most}`
}
