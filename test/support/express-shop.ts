import type { Express } from 'express'

import './express-session-data.ts'

/** Adds the pages that most apps of the tests have: `/login/:user`, `/user`, `/visit` and `/logout`. */
export function addShop(app: Express): void {
  app.get('/login/:user', (request, response) => {
    request.session.user = request.params.user
    response.send('logged in')
  })
  app.get('/user', (request, response) => {
    response.send(request.session.user ?? 'nobody')
  })
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/logout', (request, response, next) => {
    request.session.destroy((error: unknown) => {
      if (error !== null && error !== undefined) next(error)
      else response.send('logged out')
    })
  })
}
