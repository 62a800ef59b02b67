import { fileURLToPath } from 'node:url'

// Next.js is installed beside the app.
const root = fileURLToPath(new URL('..', import.meta.url))

// As the starter of Next.js has them.
const asStarted = { cacheComponents: true, partialPrefetching: true }

export default { ...asStarted, outputFileTracingRoot: root, turbopack: { root } }
