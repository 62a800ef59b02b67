/** The page of experiments and its pictures. */
import { html } from '../html.js'
import { documentOf } from '../layout.js'
import { milliseconds } from '../durations.js'

/** @typedef {ReturnType<typeof html>} Html */
/** @typedef {import('./step.js').Experiment} Experiment */
/** @typedef {import('./step.js').Step} Step */
/** @typedef {import('./request-log.js').LoggedRequest} LoggedRequest */

/** Where the page is cut for a picture that is made while it is sent. What is put into pages cannot hold it: `<` is escaped. */
const CUT = html`<!-- the picture -->`

/** Bars grow with the logarithm of what they show, because a lock waits a thousand times as long as a read. */
const SHORTEST_BAR_MS = 0.01
const LONGEST_BAR_MS = 5000
const BAR_LENGTH = 100

const MARKS = { good: '✓', bad: '✗' }

/**
 * @param {object} page
 * @param {readonly Experiment[]} page.experiments
 * @param {readonly LoggedRequest[]} page.requests
 * @param {Experiment} [page.running] whose picture comes between the halves
 * @returns {{ before: string, after: string }} the page; nothing is between its halves when no experiment runs
 */
export function experimentsPage({ experiments, requests, running }) {
  const main = html`
    <main class="experiments">
      <p>
        Each experiment runs for real, with sessions of its own in the table that the shop uses. What you see
        are its steps, as they happen.
      </p>
      ${experiments.map(experiment => experimentCard(experiment, experiment === running))}
      ${requestTable(requests)}
    </main>
  `
  const [before = '', after = ''] = documentOf({
    title: 'Experiments',
    main,
    path: '/experiments',
    script: '/picture.js',
  }).split(String(CUT))
  return { before, after }
}

/**
 * @param {Experiment} experiment
 * @returns {Html}
 */
export function pictureStart({ lanes }) {
  return html`
    <ol class="picture lanes-${lanes.length}">
      <li class="lanes" aria-hidden="true">${lanes.map(lane => html`<span>${lane}</span>`)}</li>
  `
}

/** @returns {Html} */
export function pictureEnd() {
  return html`</ol>`
}

/**
 * @param {Experiment} experiment
 * @param {Step} step
 * @param {number} atMs since the experiment began
 * @returns {Html}
 */
export function stepLine({ lanes }, { lane, what, tone, tookMs }, atMs) {
  return html`
    <li class="step lane-${lane} ${tone ?? ''}">
      <span class="at">${(atMs / 1000).toFixed(2)} s</span>
      <span class="what">
        <span class="who">${lanes[lane]}</span>
        ${tone !== undefined && html`<span class="mark">${MARKS[tone]}</span>`} ${what}
        ${
          tookMs !== undefined &&
          html`<span class="took">
            <svg viewBox="0 0 ${BAR_LENGTH} 1" preserveAspectRatio="none" aria-hidden="true">
              <rect width="${barLength(tookMs)}" height="1" />
            </svg>
            ${milliseconds(tookMs)}
          </span>`
        }
      </span>
    </li>
  `
}

/**
 * @param {unknown} error
 * @returns {Html}
 */
export function failureLine(error) {
  const text = error instanceof Error ? error.message : String(error)
  return html`<li class="step failure"><strong>The experiment failed:</strong> ${text}</li>`
}

/**
 * @param {LoggedRequest} request
 * @returns {Html}
 */
export function logRow({ at, operation, table, durationMs, attempts, capacityUnits, outcome }) {
  return html`
    <tr>
      <td><time datetime="${at}">${at.slice(11, 23)}</time></td>
      <td>${operation}</td>
      <td>${table}</td>
      <td class="number">${milliseconds(durationMs)}</td>
      <td class="number">${attempts}</td>
      <td class="number">${capacityUnits ?? '–'}</td>
      <td>${outcome}</td>
    </tr>
  `
}

/**
 * @param {Experiment} experiment
 * @param {boolean} isRunning
 * @returns {Html}
 */
function experimentCard({ id, title, question }, isRunning) {
  return html`
    <section class="card experiment" id="${id}" aria-labelledby="${id}-title">
      <div class="experiment-head">
        <div>
          <h2 id="${id}-title">${title}</h2>
          <p class="muted">${question}</p>
        </div>
        <form method="post" action="/experiments/${id}#${id}" data-experiment>
          <button aria-describedby="${id}-title">Run</button>
        </form>
      </div>
      <div class="outcome" aria-live="polite">${isRunning && CUT}</div>
    </section>
  `
}

/**
 * @param {readonly LoggedRequest[]} requests
 * @returns {Html}
 */
function requestTable(requests) {
  return html`
    <section class="card experiment" aria-labelledby="requests-title">
      <div>
        <h2 id="requests-title">Requests to DynamoDB</h2>
        <p class="muted">The latest calls of this process, from its diagnostics channels</p>
      </div>
      <div class="wide" tabindex="0" role="region" aria-label="The latest requests">
        <table class="requests">
          <thead>
            <tr>
              ${['Time (UTC)', 'Operation', 'Table'].map(name => html`<th scope="col">${name}</th>`)}
              ${['Latency', 'Attempts', 'Capacity units'].map(
                name => html`<th scope="col" class="number">${name}</th>`,
              )}
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody data-requests="/experiments/requests">
            ${requests.map(logRow)}
          </tbody>
        </table>
      </div>
    </section>
  `
}

/**
 * @param {number} ms
 * @returns {number}
 */
function barLength(ms) {
  const share = Math.log(ms / SHORTEST_BAR_MS) / Math.log(LONGEST_BAR_MS / SHORTEST_BAR_MS)
  return Math.round(BAR_LENGTH * Math.min(1, Math.max(0.01, share)))
}
