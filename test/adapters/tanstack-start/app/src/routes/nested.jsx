import { createFileRoute } from '@tanstack/react-router'

import { visit } from '../functions.js'

export const Route = createFileRoute('/nested')({
  loader: () => Promise.all([visit(), visit(), visit()]),
  component: () => <p>{`own:${Route.useLoaderData().join()};`}</p>,
})
