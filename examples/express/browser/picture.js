/** In the browser: shows the picture of an experiment while it is made. Without this script, the forms do that themselves. */

for (const form of document.querySelectorAll('form[data-experiment]')) {
  form.addEventListener('submit', event => {
    const outcome = form.closest('section')?.querySelector('.outcome')
    if (!(form instanceof HTMLFormElement) || outcome === null || outcome === undefined) return
    event.preventDefault()
    run(form, outcome).catch(error => {
      outcome.append(Object.assign(document.createElement('p'), { textContent: String(error) }))
    })
  })
}

const requests = document.querySelector('[data-requests]')
if (requests instanceof HTMLElement) watchRequests(requests)

/**
 * @param {HTMLFormElement} form
 * @param {Element} outcome
 */
async function run(form, outcome) {
  const button = form.querySelector('button')
  if (button?.getAttribute('aria-disabled') === 'true') return
  // Not `disabled`, which would take the focus of the keyboard away.
  button?.setAttribute('aria-disabled', 'true')
  outcome.setAttribute('aria-busy', 'true')
  outcome.replaceChildren()
  try {
    const response = await fetch(form.action, { method: 'POST' })
    if (!response.ok || response.body === null)
      throw new Error(`The server responded with status ${response.status}.`)
    let text = ''
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      text += chunk.value
      show(text.slice(0, text.lastIndexOf('\n') + 1), outcome)
    }
  } finally {
    button?.removeAttribute('aria-disabled')
    outcome.removeAttribute('aria-busy')
  }
}

/**
 * Appends the lines that are new. What is there stays, so that it neither flickers nor is read aloud again.
 *
 * @param {string} text the picture so far
 * @param {Element} outcome
 */
function show(text, outcome) {
  const template = document.createElement('template')
  template.innerHTML = text
  const picture = outcome.querySelector('ol')
  if (picture === null) outcome.append(template.content)
  else
    picture.append(
      ...[...(template.content.querySelector('ol')?.children ?? [])].slice(picture.children.length),
    )
}

/** @param {HTMLElement} rows */
function watchRequests(rows) {
  const most = 12
  const source = new EventSource(rows.dataset['requests'] ?? '')
  source.addEventListener('message', ({ data }) => {
    rows.insertAdjacentHTML('afterbegin', String(data))
    while (rows.children.length > most) rows.lastElementChild?.remove()
  })
}
