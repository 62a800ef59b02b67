/** Line drawings for the catalogue. They are decoration: the product's name stands next to them. */
import { html } from './html.js'

/** @type {Readonly<Record<string, ReturnType<typeof html>>>} */
const DRAWINGS = {
  notebook: html`<path
    d="M8 4h14a2 2 0 0 1 2 2v20a2 2 0 0 1-2 2H8zM12 4v24M5 9h5M5 16h5M5 23h5M16 10h4M16 14h4"
  />`,
  pencil: html`<path
    d="M5 27l2-7L22 5a2.1 2.1 0 0 1 3 0l2 2a2.1 2.1 0 0 1 0 3L12 25zM19 8l5 5M7 20l5 5M5 27l3-1"
  />`,
  mug: html`<path
    d="M6 12h16v11a4 4 0 0 1-4 4h-8a4 4 0 0 1-4-4zM22 15h2a3 3 0 0 1 3 3v1a3 3 0 0 1-3 3h-2M11 8c0-2 2-2 2-4M16 8c0-2 2-2 2-4"
  />`,
  lamp: html`<path d="M11 5h10l4 11H7zM16 16v11M10 28h12M21 16v4" />`,
}

/**
 * @param {string} productId
 * @returns {ReturnType<typeof html>}
 */
export function productIcon(productId) {
  return html`<svg class="icon" viewBox="0 0 32 32" aria-hidden="true">${DRAWINGS[productId]}</svg>`
}
