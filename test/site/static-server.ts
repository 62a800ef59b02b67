import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

/** Serves files as GitHub Pages does: `/page` is `page.html`. */
export function staticServer(folder: string, base: string): Server {
  return createServer((request, response) => {
    const path = decodeURI(new URL(request.url ?? '/', 'http://site').pathname)
    const file = path.startsWith(base) ? fileOf(folder, path.slice(base.length)) : undefined
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' })
    response.end(file?.text ?? 'not found')
  })
}

function fileOf(folder: string, path: string): { readonly text: Buffer; readonly type: string } | undefined {
  const name = [path, `${path}.html`, join(path, 'index.html')].find(
    each => statSync(join(folder, each), { throwIfNoEntry: false })?.isFile() === true,
  )
  if (name === undefined) return undefined
  return { text: readFileSync(join(folder, name)), type: TYPES[extname(name)] ?? 'application/octet-stream' }
}
