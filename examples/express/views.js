/** The pages of the shop. */
import { cartLines, catalogue, totalCents } from './catalogue.js'
import { html } from './html.js'
import { productIcon } from './icons.js'
import { inspector } from './inspector.js'
import { itemCard } from './item-card.js'
import { documentOf } from './layout.js'

/** @typedef {ReturnType<typeof html>} Html */

/**
 * @typedef {object} ServedBy
 * @property {string} name
 * @property {number} pid
 * @property {number} port
 * @property {number} uptimeMs
 *
 * @typedef {object} ShopPage
 * @property {import('express').Request['session']} session
 * @property {import('./stored-item.js').StoredItem | undefined} item what the table has for the session; undefined for none
 * @property {boolean} cookieWasSent
 * @property {number} readInMs
 * @property {number | undefined} savedInMs undefined when there was nothing to save
 * @property {number} leftMs life time that the session had left when the request came in
 * @property {string} table
 * @property {ServedBy} server the process that answers
 * @property {readonly string[]} otherProcesses addresses of other processes on the same table
 * @property {boolean} justSignedOut
 */

const EUROS = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })

/**
 * The only page: the shop on one side, what happened behind it on the other.
 *
 * @param {ShopPage} page
 * @returns {string}
 */
export function shopPage(page) {
  const { session, justSignedOut } = page
  const { user } = session
  return documentOf({
    title: 'The Corner Desk',
    path: '/',
    main: html`
      <main class="columns">
        ${justSignedOut && user === undefined && signedOut()}
        ${user === undefined ? signIn() : welcome(user, session.visits ?? 0)} ${inspector(page)}
        <div class="shop" id="shop">${products()} ${cartOf(session.cart)}</div>
        ${itemCard(page)}
      </main>
    `,
  })
}

/**
 * A page that says what went wrong, and what to do about it.
 *
 * @param {{ title: string, text: string, detail?: string, advice?: string }} problem
 * @returns {string}
 */
export function errorPage({ title, text, detail, advice }) {
  return documentOf({
    title,
    main: html`
      <main class="problem card">
        <h2>${title}</h2>
        <p>${text}</p>
        ${detail !== undefined && html`<pre class="code" tabindex="0">${detail}</pre>`}
        ${advice !== undefined && html`<p><strong>What to do:</strong> ${advice}</p>`}
        <p><a href="/">To the shop</a></p>
      </main>
    `,
  })
}

/** @returns {Html} */
function signedOut() {
  return html`
    <p class="notice" role="status">
      You are signed out. The item is gone from the table, for every process at once.
    </p>
  `
}

/** @returns {Html} */
function signIn() {
  return html`
    <section class="card bar" aria-labelledby="sign-in-title">
      <div>
        <h2 id="sign-in-title">Sign in</h2>
        <p class="muted">Your cart comes with you, your session gets a new ID</p>
      </div>
      <form class="sign-in" method="post" action="/sign-in">
        <label for="name">Your name <span class="muted">(any will do)</span></label>
        <div class="field-row">
          <input id="name" name="name" required maxlength="40" pattern=".*\\S.*" autocomplete="nickname" />
          <button class="primary">Sign in</button>
        </div>
      </form>
    </section>
  `
}

/**
 * @param {string} user
 * @param {number} visits
 * @returns {Html}
 */
function welcome(user, visits) {
  return html`
    <section class="card bar" aria-labelledby="welcome-title">
      <div>
        <h2 id="welcome-title">Hello, ${user}</h2>
        <p class="muted">${visits === 1 ? 'First visit' : `Visit number ${visits}`} in this session</p>
      </div>
      <div class="sign-out">
        <form method="post" action="/sign-out"><button>Sign out</button></form>
        <form method="post" action="/sign-out-everywhere">
          <button name="keep" value="this">Sign out everywhere else</button>
          <button name="keep" value="none">Sign out everywhere</button>
        </form>
      </div>
    </section>
  `
}

/** @returns {Html} */
function products() {
  return html`
    <section aria-labelledby="products-title">
      <h2 id="products-title">On the shelf</h2>
      <ul class="products">
        ${catalogue.map(
          ({ id, name, note, priceCents }) => html`
            <li class="card product">
              ${productIcon(id)}
              <div>
                <h3>${name}</h3>
                <p class="muted">${note}</p>
              </div>
              <form method="post" action="/cart/add">
                <span class="price">${euros(priceCents)}</span>
                <button name="product" value="${id}" aria-label="Add ${name} to the cart">Add</button>
              </form>
            </li>
          `,
        )}
      </ul>
    </section>
  `
}

/**
 * @param {import('./catalogue.js').Cart | undefined} cart
 * @returns {Html}
 */
function cartOf(cart) {
  const lines = cartLines(cart)
  if (lines.length === 0) {
    return html`
      <section class="card" aria-labelledby="cart-title">
        <h2 id="cart-title">Cart</h2>
        <p class="muted">Nothing in it yet. You do not have to be signed in to fill it.</p>
      </section>
    `
  }
  return html`
    <section class="card" aria-labelledby="cart-title">
      <h2 id="cart-title">Cart</h2>
      <table class="cart">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Product</th>
            <th scope="col">Quantity</th>
            <th scope="col">Price</th>
          </tr>
        </thead>
        <tbody>
          ${lines.map(cartRow)}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colspan="2">Total</th>
            <td class="price">${euros(totalCents(lines))}</td>
          </tr>
        </tfoot>
      </table>
    </section>
  `
}

/**
 * @param {import('./catalogue.js').CartLine} line
 * @returns {Html}
 */
function cartRow({ product, quantity }) {
  return html`
    <tr>
      <th scope="row">${product.name}</th>
      <td>
        <div class="quantity">
          <form method="post" action="/cart/remove">
            <button name="product" value="${product.id}" aria-label="Remove one ${product.name}">
              &minus;
            </button>
          </form>
          <span>${quantity}</span>
          <form method="post" action="/cart/add">
            <button name="product" value="${product.id}" aria-label="Add one more ${product.name}">+</button>
          </form>
        </div>
      </td>
      <td class="price">${euros(product.priceCents * quantity)}</td>
    </tr>
  `
}

/**
 * @param {number} cents
 * @returns {string}
 */
function euros(cents) {
  return EUROS.format(cents / 100)
}
