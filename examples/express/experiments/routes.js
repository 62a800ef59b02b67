/** The page of experiments, and running one: the picture is sent line by line, as it happens. */
import { Router } from 'express'
import { againstSdk } from './against-sdk.js'
import { killedHolder } from './killed-holder.js'
import { lostRegion } from './lost-region.js'
import { experimentsPage, failureLine, logRow, pictureEnd, pictureStart, stepLine } from './page.js'
import { logoutDuringSave, parallelSaves } from './races.js'

/** @typedef {import('./step.js').Experiment} Experiment */
/** @typedef {ReturnType<typeof import('../html.js').html>} Html */

/** @type {readonly Experiment[]} */
const EXPERIMENTS = [parallelSaves, logoutDuringSave, killedHolder, lostRegion, againstSdk]

/**
 * With the little script of the page, only the picture is fetched; without it, the form gets the whole page with the
 * picture in its place. Both are the same lines.
 *
 * @param {{ table: string, requestLog: import('./request-log.js').RequestLog }} options
 * @returns {Router}
 */
export function experimentRoutes({ table, requestLog }) {
  const router = Router()
  router.get('/', (_req, res) => {
    const { before, after } = experimentsPage({ experiments: EXPERIMENTS, requests: requestLog.latest })
    res.type('html').send(before + after)
  })
  router.get('/requests', (_req, res) => {
    sendRequests(res, requestLog)
  })
  for (const experiment of EXPERIMENTS) {
    router.post(`/${experiment.id}`, async (req, res) => {
      const isFetched = req.get('sec-fetch-dest') === 'empty'
      const { before, after } = experimentsPage({
        experiments: EXPERIMENTS,
        requests: requestLog.latest,
        running: experiment,
      })
      res.type('html')
      if (!isFetched) res.write(before)
      for await (const line of pictureOf(experiment, table)) {
        // The visitor has gone: the experiment cleans up, and ends.
        if (res.destroyed) break
        res.write(`${String(line).replaceAll(/\s*\n\s*/g, ' ')}\n`)
      }
      res.end(isFetched ? '' : after)
    })
  }
  return router
}

/**
 * @param {Experiment} experiment
 * @param {string} table
 * @returns {AsyncGenerator<Html, void, undefined>}
 */
async function* pictureOf(experiment, table) {
  yield pictureStart(experiment)
  const startedAt = performance.now()
  try {
    for await (const step of experiment.run(table)) {
      yield stepLine(experiment, step, performance.now() - startedAt)
    }
  } catch (error) {
    yield failureLine(error)
  }
  yield pictureEnd()
}

/**
 * Sends the calls of DynamoDB from now on as server-sent events, until the browser leaves or the process ends.
 *
 * @param {import('express').Response} res
 * @param {import('./request-log.js').RequestLog} requestLog
 */
function sendRequests(res, requestLog) {
  res.type('text/event-stream')
  res.flushHeaders()
  const end = requestLog.listen(request => {
    if (request === undefined) res.end()
    else res.write(`data: ${String(logRow(request)).replaceAll(/\s*\n\s*/g, ' ')}\n\n`)
  })
  res.once('close', end)
}
