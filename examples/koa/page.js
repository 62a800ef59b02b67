// @ts-check

/**
 * @param {string | undefined} user
 * @param {number} visits
 * @param {readonly string[]} notes
 */
export function page(user, visits, notes) {
  const account =
    user === undefined
      ? '<form method="post" action="/sign-in"><input name="user" placeholder="Your name" required /><button>Sign in</button></form>'
      : '<form method="post" action="/sign-out"><button>Sign out</button></form>'
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Sessions in DynamoDB</title>
  <h1>Hello ${escaped(user ?? 'stranger')}</h1>
  <p>Visit ${visits} of this session.</p>
  ${account}
  <h2>Notes</h2>
  <ul>${notes.map(note => `<li>${escaped(note)}</li>`).join('')}</ul>
  <form method="post" action="/notes"><input name="note" required /><button>Add</button></form>
</html>
`
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
