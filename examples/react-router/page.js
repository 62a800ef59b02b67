// @ts-check
/**
 * The page, as HTML.
 *
 * @param {{ user: string | undefined, message: string | undefined, notes: readonly string[], visits: number }} visit
 * @returns {string}
 */
export function page({ user, message, notes, visits }) {
  const sign =
    user === undefined
      ? `<form method="post" action="/sign-in">
          <input name="user" placeholder="Your name" required /><button>Sign in</button>
        </form>`
      : '<form method="post" action="/sign-out"><button>Sign out</button></form>'
  return `<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <title>Sessions in DynamoDB</title>
      <h1>Hello ${escaped(user ?? 'stranger')}</h1>
      ${message === undefined ? '' : `<p><strong>${escaped(message)}</strong></p>`}
      <p>Visit ${visits} of this session.</p>
      ${sign}
      <h2>Notes</h2>
      <ul>${notes.map(note => `<li>${escaped(note)}</li>`).join('')}</ul>
      <form method="post" action="/notes"><input name="note" required /><button>Add</button></form>
    </html>`
}

/**
 * @param {string} text
 * @returns {string}
 */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
