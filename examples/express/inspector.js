/** The panel "What just happened": the request as the session store saw it. */
import { highlightJson, html } from './html.js'
import { storedItem } from './stored-item.js'

/** @typedef {ReturnType<typeof html>} Html */
/** @typedef {import('./views.js').ShopPage} ShopPage */

const PROCESS_COLOURS = 6

const KILOBYTES_PER_ITEM = 400

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
    ${savedInMs !== undefined && itemCard(page)}
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
function withSession({ session, readInMs, leftMs }, savedInMs) {
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
    <p>
      <strong>Try it:</strong> start a second process on the same table and open it in this browser. You will
      be the same visitor there.
    </p>
  `
}

/**
 * @param {ShopPage} page
 * @returns {Html}
 */
function itemCard({ session, sessionId, table }) {
  const item = storedItem(sessionId, session)
  return html`
    <section class="card item" aria-labelledby="item-title">
      <h2 id="item-title">The item in DynamoDB</h2>
      <dl>
        ${[
          attribute(html`Table`, html`<code>${table}</code>`),
          attribute(
            html`<code>id</code>`,
            html`<code class="key">${item.key}</code>`,
            html`The key: a SHA-256 of the session ID. The ID itself, which begins with
              <code>${item.sessionIdStart}</code>, is in your cookie only. Who can read the table cannot sign
              in as you.`,
          ),
          attribute(
            html`<code>expires</code>`,
            html`<code>${item.expires}</code>, that is
              <time datetime="${item.expiresAt.toISOString()}">${utc(item.expiresAt)}</time>`,
            html`From then on the store answers that there is no session. DynamoDB deletes the item by this
            attribute some time later.`,
          ),
          attribute(
            html`<code>expiresMs</code>`,
            html`<code>${item.expiresAt.getTime()}</code>, the same moment exactly`,
            html`express-session moves both on by a few milliseconds while the response ends.`,
          ),
          attribute(
            html`<code>created</code>, <code>rev</code>`,
            html`set by the store`,
            html`When the session began, and a random mark of the latest write.`,
          ),
          ...userAttribute(session.user),
          attribute(
            html`<code>data</code>`,
            html`${item.dataBytes} bytes, shown with line breaks`,
            html`An item may have up to ${KILOBYTES_PER_ITEM} KB.`,
          ),
        ]}
      </dl>
      <pre class="code" tabindex="0" role="region" aria-label="data">${highlightJson(item.data)}</pre>
    </section>
  `
}

/**
 * @param {string | undefined} user
 * @returns {Html[]}
 */
function userAttribute(user) {
  if (user === undefined) return []
  return [
    attribute(
      html`<code>user</code>`,
      html`<code>${user}</code>`,
      html`Key of the index <code>user-index</code>, by which "Sign out everywhere" finds your sessions.`,
    ),
  ]
}

/**
 * @param {Html} name
 * @param {Html} value
 * @param {Html} [remark]
 * @returns {Html}
 */
function attribute(name, value, remark) {
  return html`
    <div>
      <dt>${name}</dt>
      <dd>${value} ${remark !== undefined && html`<p class="muted">${remark}</p>`}</dd>
    </div>
  `
}

/**
 * @param {number} ms
 * @returns {string}
 */
function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

/**
 * @param {number} ms
 * @returns {string} the two largest units, such as `29 min 12 s`
 */
function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return [minutes > 0 && `${minutes} min`, (seconds % 60 > 0 || minutes === 0) && `${seconds % 60} s`]
    .filter(Boolean)
    .join(' ')
}

/**
 * @param {string} isoTime
 * @returns {string}
 */
function ago(isoTime) {
  const passedMs = Date.now() - Date.parse(isoTime)
  return passedMs < 1500 ? 'just now' : `${duration(passedMs)} ago`
}

/**
 * @param {Date} time
 * @returns {string}
 */
function utc(time) {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
