/** HTML templates that escape by default. */

/** Text that is already HTML. Only {@link html} and {@link highlightJson} make it. */
class Html {
  /** @param {string} text */
  constructor(text) {
    this.text = text
  }

  toString() {
    return this.text
  }
}

/** @typedef {Html | string | number | false | undefined | readonly Html[]} HtmlValue */

/**
 * Template tag for HTML: what is put into it is escaped, unless it is the result of this tag (or an array of
 * them). `undefined` and `false` come out as nothing, so that `condition && html...` works.
 *
 * @param {TemplateStringsArray} strings
 * @param {...HtmlValue} values
 * @returns {Html}
 */
export function html(strings, ...values) {
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    text += render(value) + (strings[index + 1] ?? '')
  }
  return new Html(text)
}

/**
 * JSON text as HTML, with names, strings and other values told apart by class.
 *
 * @param {string} json
 * @returns {Html}
 */
export function highlightJson(json) {
  const tokens = json.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*)/)
  const parts = tokens.map((token, index) => {
    const isPunctuation = index % 2 === 0
    return isPunctuation ? html`${token}` : html`<span class="${tokenClass(token)}">${token}</span>`
  })
  return html`${parts}`
}

/**
 * @param {string} token
 * @returns {string}
 */
function tokenClass(token) {
  if (token.endsWith(':')) return 'json-name'
  return token.startsWith('"') ? 'json-string' : 'json-literal'
}

/**
 * @param {HtmlValue} value
 * @returns {string}
 */
function render(value) {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(part => part.text).join('')
  return escapeHtml(String(value))
}

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * @param {string} text
 * @returns {string}
 */
function escapeHtml(text) {
  return text.replaceAll(/[&<>"']/g, character => ENTITIES[character] ?? character)
}
