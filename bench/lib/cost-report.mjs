import { costSettings, costStores, costWorkloads, describeSetting, prices } from './cost-plan.mjs'
import { countOf, describeSettings, dollarsPerMillionViews, groupedCounts } from './cost-results.mjs'
import { markdownTable, number } from './markdown.mjs'

/** @typedef {import('./measure-cost.mjs').MeasuredCost} MeasuredCost */

/**
 * The cost section of the report, without its heading and facts.
 *
 * @param {readonly MeasuredCost[]} measured
 * @param {number} views
 */
export function costTables(measured, views) {
  const hours = Math.round((views * 30) / 360) / 10
  return [
    `A real Express app with express-session, its session cookie living a day, and a visitor who views a page every 30 seconds on average for ${views} views (${hours} hours on the clock of the app's process, which the benchmark moves). A proxy between store and DynamoDB Local counts the requests and sums up the capacity that the engine reports; what a failed condition takes, which it does not report, counts by DynamoDB's rules (the item that is there, at least one unit). Starting and signing in are not counted.`,
    `Dollars are for request units alone, at ${prices.region} on-demand list prices taken to be $${prices.dollarsPerMillionReads} per million read and $${prices.dollarsPerMillionWrites} per million write request units (2026). Stores are at their defaults unless it says otherwise; "lost" are changes that had been answered with success and were not in the session at the end.`,
    'Dollars over those of ours (above 1: we cost less):',
    ...costWorkloads
      .filter(({ hasSession }) => hasSession)
      .flatMap(workload => ratioTable(measured, workload)),
    ...costWorkloads.flatMap(workload => detailTable(measured, workload)),
  ]
}

/**
 * @param {readonly MeasuredCost[]} measured
 * @param {import('./cost-plan.mjs').CostWorkload} workload
 */
function ratioTable(measured, { name, label }) {
  const [ours] = costStores
  return [
    `${label}:`,
    markdownTable(
      ['', ...costSettings.map(describeSetting)],
      costStores.map(store => [
        store.label,
        ...costSettings.map(setting => {
          const count = countOf(measured, name, store.name, setting)
          const reference = countOf(measured, name, ours?.name ?? '', setting)
          if (count === undefined || reference === undefined) return ''
          return number(dollarsPerMillionViews(count) / dollarsPerMillionViews(reference), '×')
        }),
      ]),
    ),
  ]
}

/**
 * @param {readonly MeasuredCost[]} measured
 * @param {import('./cost-plan.mjs').CostWorkload} workload
 */
function detailTable(measured, { name, label, description }) {
  return [
    `### ${label}`,
    description,
    markdownTable(
      [
        'Per 1 000 page views',
        'settings',
        'item bytes',
        'requests',
        'read units',
        'write units',
        'failed conditions',
        'lost changes',
        '$ per million views',
      ],
      costStores.flatMap(store =>
        groupedCounts(measured, name, store.name).map(({ settings, count }) => {
          /** @param {number} value */
          const perThousand = value => amount((value * 1000) / count.views)
          const { lostChanges, changes } = count
          return [
            store.label,
            describeSettings(settings),
            amount(count.itemBytes),
            perThousand(count.requests),
            perThousand(count.readUnits),
            perThousand(count.writeUnits),
            perThousand(count.failedConditions),
            changes === 0 ? '' : `${perThousand(lostChanges)} of ${perThousand(changes)}`,
            dollarsPerMillionViews(count).toFixed(2),
          ]
        }),
      ),
    ),
  ]
}

/** @param {number} value */
function amount(value) {
  return value === 0 ? '0' : number(Math.round(value * 10) / 10)
}
