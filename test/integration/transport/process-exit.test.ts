import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { createCertificate, type KeyPair } from '../../support/certificates.ts'
import { httpResponse } from '../../support/raw-server.ts'
import { answerWithIndex, forbidUnhandledRejections, serve } from './harness.ts'

forbidUnhandledRejections()

let bundle: string
let tls: KeyPair

beforeAll(async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const {
    outputFiles: [output],
  } = await build({
    stdin: {
      contents:
        "export { SocketTransport } from './src/aws/http/socket-transport.ts'\n" +
        "export { parseEndpoint } from './src/aws/http/endpoint.ts'\n",
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'iife',
    globalName: 'http',
    write: false,
  })
  bundle = output?.text ?? ''
  tls = await createCertificate()
})

const prelude = (url: string, ca: string | undefined): string => `
  const transport = new http.SocketTransport({ ca: ${JSON.stringify(ca)} })
  const endpoint = http.parseEndpoint(${JSON.stringify(url)})
  const request = () => transport.request({
    endpoint, method: 'POST', path: '/', headers: [['host', endpoint.host]], body: '',
    connectTimeoutMs: 15_000, attemptTimeoutMs: 15_000, deadlineAtMs: performance.now() + 15_000,
    recipient: { accept: () => true },
  })
  const send = async () => { console.log((await request()).body.toString()) }
`

/** Runs a program in a process of its own and returns what it prints; it has to end by itself. */
async function run(program: string, url: string, ca?: string): Promise<string> {
  const child = spawn(process.execPath, ['-'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill()
  })
  child.stdin.end(`${bundle}${prelude(url, ca)}${program}`)
  const exited = once(child, 'exit')
  const printed = await text(child.stdout)
  expect(await exited).toEqual([0, null])
  return printed
}

describe('a process', () => {
  it('ends although connections are kept idle, used and idle again', async () => {
    const server = await serve(answerWithIndex)
    const program = '(async () => { await Promise.all([send(), send()]); await send() })()'
    expect(await run(program, server.url)).toMatch(/^[01]\n[01]\n[01]\n$/)
    expect(server.connections).toHaveLength(2)
  })

  it('ends although a TLS connection is kept idle', async () => {
    const { port } = await serve(answerWithIndex, { tls })
    expect(await run('send().then(send)', `https://localhost:${port}`, tls.cert)).toBe('0\n0\n')
  })

  it('does not end before the answer, also on a connection that was idle', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(httpResponse('first'))
      await connection.request()
      await new Promise(resolve => setTimeout(resolve, 100))
      connection.send(httpResponse('second'))
    })
    expect(await run('send().then(send)', server.url)).toBe('first\nsecond\n')
  })

  it('has no socket and no timer left when the transport is closed', async () => {
    const server = await serve(answerWithIndex)
    const program = `
      const count = () => process.getActiveResourcesInfo().filter(name => /^(TCP|TLS|Timeout)/.test(name)).length
      Promise.all([send(), send()]).then(() => transport.close()).then(() => { console.log(count() + ' left') })
    `
    expect(await run(program, server.url)).toMatch(/\n0 left\n$/)
  })
})
