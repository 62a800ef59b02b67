/*
 * Stands in for `rapid-client.node`, the part of the runtime client that is compiled from C++ when it is installed. Like that one
 * it reports to the Runtime API and blocks the process until the response is there; but it is JavaScript, so that the tests need
 * no compiler. All else of the runtime client is as AWS publishes it; asking for invocations is left to its own client in
 * JavaScript.
 */
import { Worker } from 'node:worker_threads'

const worker = new Worker(
  `
  const { request } = require('node:http')
  const { parentPort } = require('node:worker_threads')
  parentPort.on('message', ({ url, headers, body, status }) => {
    const settle = code => {
      Atomics.store(status, 0, code)
      Atomics.notify(status, 0)
    }
    // A connection of its own: one that is kept may have died while the process was frozen.
    request(url, { method: 'POST', agent: false, headers }, response => {
      response.resume().on('end', () => settle(response.statusCode))
    })
      .on('error', () => settle(-1))
      .end(body)
  })`,
  { eval: true, execArgv: [], env: {} },
)
worker.unref()

export function done(id, body) {
  post(`${id}/response`, body, {})
}

export function error(id, body, xray) {
  post(`${id}/error`, body, {
    'Lambda-Runtime-Function-Error-Type': JSON.parse(body).errorType,
    'Lambda-Runtime-Function-XRay-Error-Cause': xray,
  })
}

function post(path, body, headers) {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`
  const status = new Int32Array(new SharedArrayBuffer(4))
  worker.postMessage({ url, body, headers: { 'Content-Type': 'application/json', ...headers }, status })
  Atomics.wait(status, 0, 0)
  if (status[0] !== 202) throw new Error(`the Runtime API has answered with ${status[0]}`)
}
