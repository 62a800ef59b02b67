/** The panel "What just happened": the request as the session store saw it. */
import { duration, milliseconds } from './durations.js'
import { html } from './html.js'

/** @typedef {ReturnType<typeof html>} Html */
/** @typedef {import('./views.js').ShopPage} ShopPage */

const PROCESS_COLOURS = 6

/**
 * @param {ShopPage} page
 * @returns {Html}
 */
export function inspector(page) {
  const { savedInMs } = page
  return html`
    <aside class="card happened" aria-labelledby="happened-title">
      <h2 id="happened-title">What just happened</h2>
      ${processBadge(page.server)}
      ${savedInMs === undefined ? withoutSession(page) : withSession(page, savedInMs)}
    </aside>
  `
}

/**
 * @param {import('./views.js').ServedBy} server
 * @returns {Html}
 */
function processBadge({ name, pid, port, uptimeMs }) {
  return html`
    <div class="process process-${port % PROCESS_COLOURS}">
      <p class="process-name">${name}</p>
      <p>answered this request (pid ${pid}, port ${port}, up for ${duration(uptimeMs)})</p>
    </div>
  `
}

/**
 * @param {ShopPage} page
 * @returns {Html}
 */
function withoutSession({ cookieWasSent, readInMs }) {
  const read = cookieWasSent
    ? `Your browser sent a session cookie, but there is no session for it (any more). To find out took ${milliseconds(readInMs)}.`
    : 'Your browser sent no session cookie, so nothing was read.'
  return html`
    <ol class="steps">
      <li>${read}</li>
      <li>Nothing was written either: a session begins when there is something to remember.</li>
    </ol>
    <p><strong>Try it:</strong> sign in, or put something into the cart.</p>
  `
}

/**
 * @param {ShopPage} page
 * @param {number} savedInMs
 * @returns {Html}
 */
function withSession({ session, readInMs, leftMs, otherProcesses }, savedInMs) {
  const { visits = 0, lastChange, cookie } = session
  return html`
    <ol class="steps">
      <li>Your session was read from the table in <strong>${milliseconds(readInMs)}</strong>.</li>
      ${
        lastChange !== undefined &&
        html`<li>
          The last change in it: ${lastChange.what}, ${ago(lastChange.at)}, handled by
          <strong>${lastChange.by}</strong>.
        </li>`
      }
      <li>Visit number ${visits} was counted and saved in <strong>${milliseconds(savedInMs)}</strong>.</li>
      <li>
        The cookie had <strong>${duration(leftMs)}</strong> left. Every request starts it again at
        ${duration(cookie.originalMaxAge ?? 0)}, in the browser and in the table.
      </li>
    </ol>
    <p><strong>Try it:</strong> ${otherProcesses.length > 0 ? linksTo(otherProcesses) : startAnother()}</p>
  `
}

/**
 * @param {readonly string[]} addresses
 * @returns {Html}
 */
function linksTo(addresses) {
  const links = addresses.map(address => html`<a href="${address}">${address}</a> `)
  return html`open ${links} in this browser. Another process responds there, and you are the same visitor.`
}

/** @returns {Html} */
function startAnother() {
  return html`start a second process on the same table and open it in this browser. You will be the same
  visitor there.`
}

/**
 * @param {string} isoTime
 * @returns {string}
 */
function ago(isoTime) {
  const passedMs = Date.now() - Date.parse(isoTime)
  return passedMs < 1500 ? 'just now' : `${duration(passedMs)} ago`
}
