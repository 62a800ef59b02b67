// @ts-check
/** The page: forms that call better-auth, and what it answers. */
export const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>better-auth with DynamoDB</title>
  <h1 id="who">...</h1>
  <form data-path="/sign-up/email">
    <input name="name" placeholder="Name" required />
    <input name="email" type="email" placeholder="E-mail" required />
    <input name="password" type="password" placeholder="Password" minlength="8" required />
    <button>Sign up</button>
  </form>
  <form data-path="/sign-in/email">
    <input name="email" type="email" placeholder="E-mail" required />
    <input name="password" type="password" placeholder="Password" required />
    <button>Sign in</button>
  </form>
  <form data-path="/revoke-other-sessions"><button>Sign out everywhere else</button></form>
  <form data-path="/sign-out"><button>Sign out</button></form>
  <pre id="answer"></pre>
  <script type="module">
    const show = async () => {
      const session = await (await fetch('/api/auth/get-session')).json()
      document.querySelector('#who').textContent = session ? 'Hello ' + session.user.name : 'Hello stranger'
    }
    for (const form of document.forms) {
      form.addEventListener('submit', async event => {
        event.preventDefault()
        const response = await fetch('/api/auth' + form.dataset.path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(Object.fromEntries(new FormData(form))),
        })
        document.querySelector('#answer').textContent = response.status + ' ' + (await response.text())
        await show()
      })
    }
    await show()
  </script>
</html>
`
