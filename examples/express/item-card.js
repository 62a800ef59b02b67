/** The card "The item in DynamoDB". */
import { highlightJson, html } from './html.js'

/** @typedef {ReturnType<typeof html>} Html */

const KILOBYTES_PER_ITEM = 400

/**
 * What the attributes mean that the store writes with this app's options.
 *
 * @type {Readonly<Record<string, (value: string) => Html>>}
 */
const REMARKS = {
  data: () =>
    html`The session, shown with line breaks, too. An item may have up to ${KILOBYTES_PER_ITEM} KB.`,
  expires: seconds => html`
    That is ${utc(Number(seconds) * 1000)}. From then on the store says that there is no session. DynamoDB
    deletes the item by this attribute some time later.
  `,
  expiresMs: ms => html`The same moment exactly: ${utc(Number(ms))}`,
  created: () => html`When the session began`,
  birth: () => html`Tells this session from any other that ever has the same ID`,
  rev: () =>
    html`A random mark of the latest write, by which the next one sees whether somebody else has written`,
  user: () =>
    html`Key of the index <code>user-index</code>, by which "Sign out everywhere" finds your sessions`,
}

/**
 * @param {{ item: import('./stored-item.js').StoredItem | undefined, table: string }} page
 * @returns {Html | undefined}
 */
export function itemCard({ item, table }) {
  if (item === undefined) return undefined
  return html`
    <section class="card item" aria-labelledby="item-title">
      <h2 id="item-title">The item in DynamoDB</h2>
      <dl>
        <div>
          <dt>Table</dt>
          <dd><code>${table}</code></dd>
        </div>
        ${item.attributes.map(attribute => attributeRow(attribute, item.sessionIdStart))}
      </dl>
      <pre class="code" tabindex="0" role="region" aria-label="data">${highlightJson(item.data)}</pre>
    </section>
  `
}

/**
 * @param {import('./stored-item.js').StoredAttribute} attribute
 * @param {string} sessionIdStart
 * @returns {Html}
 */
function attributeRow({ name, type, value }, sessionIdStart) {
  const remark = name === 'id' ? keyRemark(sessionIdStart) : REMARKS[name]?.(value)
  return html`
    <div>
      <dt><code>${name}</code> <span class="type">${type}</span></dt>
      <dd>
        <code class="value">${value}</code>
        ${remark !== undefined && html`<p class="muted">${remark}</p>`}
      </dd>
    </div>
  `
}

/**
 * @param {string} sessionIdStart
 * @returns {Html}
 */
function keyRemark(sessionIdStart) {
  return html`
    The key: a SHA-256 of the session ID. The ID itself, which begins with <code>${sessionIdStart}</code>, is
    in your cookie only. Who can read the table cannot sign in as you.
  `
}

/**
 * @param {number} epochMs
 * @returns {string}
 */
function utc(epochMs) {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
