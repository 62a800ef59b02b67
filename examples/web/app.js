// @ts-check
/** A handler of `Request` and `Response`, as Deno, Bun, edge platforms and many frameworks take it. */

/**
 * What this app keeps in a session.
 *
 * @typedef {object} Visit
 * @property {string} [user] name given at sign-in
 * @property {number} [visits]
 * @property {string[]} [notes]
 */

/**
 * @param {import('dynamodb-sessions/web').WebSessions<Visit>} sessions
 * @returns {(request: Request) => Promise<Response>}
 */
export function createHandler(sessions) {
  return async request => {
    const { pathname } = new URL(request.url)
    const route = routes[`${request.method} ${pathname}`]
    if (route === undefined) return new Response('Not found', { status: 404 })
    try {
      // Opens the session, calls the route, and commits before the response is sent.
      return await sessions.handle(request, session => route(session, request))
    } catch (error) {
      // A session that could not be read or written is a failed request, never an empty session.
      console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
      return new Response('Something went wrong', { status: 500 })
    }
  }
}

/** @typedef {(session: import('dynamodb-sessions/web').WebSession<Visit>, request: Request) => Response | Promise<Response>} Route */

/** @type {Readonly<Record<string, Route | undefined>>} */
const routes = {
  'GET /': session => {
    const visits = (session.get('visits') ?? 0) + 1
    session.set('visits', visits)
    return htmlPage(session.get('user'), visits, session.get('notes') ?? [])
  },

  'POST /sign-in': async (session, request) => {
    const user = await formField(request, 'user')
    if (user !== '') {
      // A new ID: one that somebody knew before the sign-in is worth nothing after it.
      session.regenerate()
      session.set('user', user)
    }
    return toStartPage()
  },

  'POST /notes': async (session, request) => {
    const note = await formField(request, 'note')
    const notes = session.get('notes')
    // Changes inside of a value are found by themselves.
    if (notes === undefined) session.set('notes', [note])
    else notes.push(note)
    return toStartPage()
  },

  'POST /sign-out': async session => {
    await session.destroy()
    return toStartPage()
  },
}

/** @returns {Response} */
function toStartPage() {
  return new Response(null, { status: 303, headers: { location: '/' } })
}

/**
 * @param {Request} request
 * @param {string} name
 * @returns {Promise<string>}
 */
async function formField(request, name) {
  const fields = new URLSearchParams(await request.text())
  return (fields.get(name) ?? '').trim().slice(0, 100)
}

/**
 * @param {string | undefined} user
 * @param {number} visits
 * @param {readonly string[]} notes
 * @returns {Response}
 */
function htmlPage(user, visits, notes) {
  const account =
    user === undefined
      ? '<form method="post" action="/sign-in"><input name="user" placeholder="Your name" required><button>Sign in</button></form>'
      : '<form method="post" action="/sign-out"><button>Sign out</button></form>'
  const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Sessions in DynamoDB</title>
  <h1>Hello ${escapeHtml(user ?? 'stranger')}</h1>
  <p>Visit ${visits} of this session.</p>
  ${account}
  <h2>Notes</h2>
  <ul>${notes.map(note => `<li>${escapeHtml(note)}</li>`).join('')}</ul>
  <form method="post" action="/notes"><input name="note" required><button>Add</button></form>
</html>
`
  return new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
}

/**
 * @param {string} text
 * @returns {string}
 */
function escapeHtml(text) {
  return text.replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
