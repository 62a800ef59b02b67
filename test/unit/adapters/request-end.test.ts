import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import { expect, test, vi } from 'vitest'

import { hasBegun, responseTo, onRequestEnd } from '../../../src/adapters/shared/request-end.ts'

function requestWith(properties: object = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), properties)
}

test('a request ends with the response that hangs on it', () => {
  const res = new ServerResponse(requestWith())
  expect(responseTo(requestWith({ res }))).toBe(res)
})

test.each([
  ['a WebSocket', { upgrade: true }],
  ['a WebSocket, where the request does not say so', { headers: { upgrade: 'websocket' } }],
  ['a request of Engine.IO', { _query: { EIO: '4' } }],
])('%s has no response of its own, whatever stands in for it', (_, properties) => {
  const res = new ServerResponse(requestWith())
  expect(responseTo(requestWith({ ...properties, res }))).toBeUndefined()
  expect(responseTo(requestWith(properties), res)).toBeUndefined()
})

test('what an application makes to look like a request has no response', () => {
  expect(responseTo({ sessionID: 'id', sessionStore: {} })).toBeUndefined()
})

test.each(['close', 'finish'] as const)('a response is over with its event %j, and once', event => {
  const request = requestWith()
  const response = new ServerResponse(request)
  const over = vi.fn<() => void>()
  onRequestEnd(response, request, over)
  expect(over).not.toHaveBeenCalled()
  response.emit(event)
  response.emit('close')
  request.socket.emit('close')
  expect(over).toHaveBeenCalledTimes(1)
})

test('a response has begun when its headers are out', () => {
  const response = new ServerResponse(requestWith())
  expect(hasBegun(response)).toBe(false)
  response.writeHead(200).flushHeaders()
  expect(hasBegun(response)).toBe(true)
})
