/** What the shop sells, and the arithmetic of a cart. */

/**
 * @typedef {object} Product
 * @property {string} id
 * @property {string} name
 * @property {string} note
 * @property {number} priceCents
 *
 * @typedef {Record<string, number>} Cart Quantities by product ID.
 *
 * @typedef {object} CartLine
 * @property {Product} product
 * @property {number} quantity
 */

const MOST_OF_ONE_PRODUCT = 99

/** @type {readonly Product[]} */
export const catalogue = [
  { id: 'notebook', name: 'Notebook', note: '96 dotted pages', priceCents: 1250 },
  { id: 'pencil', name: 'Pencil', note: 'Cedar, soft lead', priceCents: 180 },
  { id: 'mug', name: 'Mug', note: 'Stoneware, 300 ml', priceCents: 1600 },
  { id: 'lamp', name: 'Desk lamp', note: 'Warm, dimmable', priceCents: 4900 },
]

/**
 * Finds what a form named.
 *
 * @param {string} id
 * @returns {Product | undefined} undefined when the shop has no such product
 */
export function findProduct(id) {
  return catalogue.find(product => product.id === id)
}

/**
 * The cart with the quantity of one product changed; a product of which none is left is taken out.
 *
 * @param {Cart | undefined} cart
 * @param {Product} product
 * @param {number} difference
 * @returns {Cart}
 */
export function changeQuantity(cart, product, difference) {
  const { [product.id]: before = 0, ...others } = cart ?? {}
  const quantity = Math.min(before + difference, MOST_OF_ONE_PRODUCT)
  return quantity > 0 ? { ...others, [product.id]: quantity } : others
}

/**
 * The cart in the order of the catalogue, so that lines stay where they are when quantities change.
 *
 * @param {Cart | undefined} cart
 * @returns {CartLine[]}
 */
export function cartLines(cart) {
  return catalogue.flatMap(product => {
    const quantity = cart?.[product.id] ?? 0
    return quantity > 0 ? [{ product, quantity }] : []
  })
}

/**
 * @param {readonly CartLine[]} lines
 * @returns {number}
 */
export function totalCents(lines) {
  return lines.reduce((sum, { product, quantity }) => sum + product.priceCents * quantity, 0)
}
