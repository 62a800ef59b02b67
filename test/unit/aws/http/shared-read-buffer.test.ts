import { Socket } from 'node:net'

import { describe, expect, it } from 'vitest'

import { SharedReadBuffer } from '../../../../src/aws/http/connection.ts'

function listening(): {
  readonly incoming: SharedReadBuffer
  readonly socket: Socket
  readonly received: string[]
} {
  const received: string[] = []
  const socket = new Socket()
  const incoming = new SharedReadBuffer(() => received.push('early'))
  incoming.listenTo(socket)
  return { incoming, socket, received }
}

function receive({ incoming, received }: ReturnType<typeof listening>): void {
  incoming.onBytes = bytes => {
    received.push(bytes.toString('latin1'))
  }
}

describe('the bytes of a socket', () => {
  it('are read from the buffer that the runtime gives, which need not be the one that it was given', () => {
    const state = listening()
    receive(state)
    const own = Buffer.from('from a buffer of Bun')
    state.incoming.onread.callback(4, own)
    own.fill(0)
    expect(state.received).toEqual(['from'])
  })

  it('come as events where the runtime does not know the option', () => {
    const state = listening()
    receive(state)
    state.socket.emit('data', Buffer.from('one'))
    state.socket.emit('data', Buffer.from('two'))
    expect(state.received).toEqual(['one', 'two'])
  })

  it('are taken once where a runtime does both', () => {
    const state = listening()
    receive(state)
    state.incoming.onread.callback(3, Buffer.from('one'))
    state.socket.emit('data', Buffer.from('one'))
    expect(state.received).toEqual(['one'])
  })

  it('are early while nobody takes them, whichever way they come', () => {
    const state = listening()
    state.socket.emit('data', Buffer.from('one'))
    state.incoming.onread.callback(3, Buffer.from('one'))
    expect(state.received).toEqual(['early', 'early'])
  })
})
