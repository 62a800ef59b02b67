/** What all pages have around them. */
import { html } from './html.js'

/** @typedef {ReturnType<typeof html>} Html */

const PACKAGE = 'dynamodb-sessions'

const PLACES = [
  { path: '/', name: 'Shop' },
  { path: '/experiments', name: 'Experiments' },
]

/**
 * @param {object} page
 * @param {string} page.title
 * @param {Html} page.main
 * @param {string} [page.path] where the page is, when the navigation has it
 * @param {string} [page.script] path of a script; the shop has none
 * @returns {string}
 */
export function documentOf({ title, main, path, script }) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · ${PACKAGE}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/styles.css" />
        ${script !== undefined && html`<script type="module" src="${script}"></script>`}
      </head>
      <body>
        <header class="masthead">
          <div>
            <h1><a href="/">The Corner Desk</a></h1>
            <p>
              A demo of <a href="https://www.npmjs.com/package/${PACKAGE}">${PACKAGE}</a>: a small shop whose
              sessions live in DynamoDB
            </p>
          </div>
          <nav aria-label="Pages">
            ${PLACES.map(
              place =>
                html`<a href="${place.path}" ${place.path === path && html`aria-current="page"`}
                  >${place.name}</a
                >`,
            )}
          </nav>
        </header>
        ${main}
      </body>
    </html>`.toString()
}
