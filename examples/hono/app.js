// @ts-check
/** The app. Everything about sessions is in the first lines and in `c.var.session`. */
import { Hono } from 'hono'
import { html } from 'hono/html'

/**
 * What this app keeps in a session.
 *
 * @typedef {object} Visit
 * @property {string} [user] name given at sign-in
 * @property {number} [visits]
 * @property {string[]} [notes]
 */

/**
 * @param {import('dynamodb-sessions/hono').SessionsMiddleware<Visit>} session
 * @returns the app
 */
export function createApp(session) {
  const app = new Hono()
    .use(session)
    .get('/', c => {
      const visits = (c.var.session.get('visits') ?? 0) + 1
      c.var.session.set('visits', visits)
      return c.html(page(c.var.session.get('user'), visits, c.var.session.get('notes') ?? []))
    })
    .post('/sign-in', async c => {
      const user = await field(c.req, 'user')
      if (user !== '') {
        // A new ID: one that somebody knew before the sign-in is worth nothing after it.
        c.var.session.regenerate()
        c.var.session.set('user', user)
      }
      return c.redirect('/', 303)
    })
    .post('/notes', async c => {
      const note = await field(c.req, 'note')
      const notes = c.var.session.get('notes')
      // Changes inside of a value are found by themselves.
      if (notes === undefined) c.var.session.set('notes', [note])
      else notes.push(note)
      return c.redirect('/', 303)
    })
    .post('/sign-out', async c => {
      await c.var.session.destroy()
      return c.redirect('/', 303)
    })
  // A session that could not be read or written is a failed request, never an empty session.
  app.onError((error, c) => {
    console.error(`${error.name}: ${error.message}`)
    return c.text('Something went wrong', 500)
  })
  return app
}

/**
 * @param {import('hono').HonoRequest} request
 * @param {string} name
 * @returns {Promise<string>}
 */
async function field(request, name) {
  const value = (await request.parseBody())[name]
  return typeof value === 'string' ? value.trim().slice(0, 100) : ''
}

/**
 * @param {string | undefined} user
 * @param {number} visits
 * @param {readonly string[]} notes
 * @returns the page
 */
function page(user, visits, notes) {
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <title>Sessions in DynamoDB</title>
      <h1>Hello ${user ?? 'stranger'}</h1>
      <p>Visit ${visits} of this session.</p>
      ${
        user === undefined
          ? html`<form method="post" action="/sign-in">
              <input name="user" placeholder="Your name" required /><button>Sign in</button>
            </form>`
          : html`<form method="post" action="/sign-out"><button>Sign out</button></form>`
      }
      <h2>Notes</h2>
      <ul>
        ${notes.map(note => html`<li>${note}</li>`)}
      </ul>
      <form method="post" action="/notes"><input name="note" required /><button>Add</button></form>
    </html>`
}
