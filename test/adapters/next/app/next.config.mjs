import { fileURLToPath } from 'node:url'

// Next.js is installed beside the app.
const root = fileURLToPath(new URL('..', import.meta.url))

export default { outputFileTracingRoot: root, turbopack: { root } }
