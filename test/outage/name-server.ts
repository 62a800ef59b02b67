import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** What a {@link NameServer} responds with: addresses (none: the name exists and has none), an error, or nothing. */
export type NameServerMode = readonly string[] | 'servfail' | 'silent'

const HEADER_BYTES = 12
const TYPE_A = 1
const SERVFAIL = 2

/** A real name server on the loopback interface, over UDP. */
export class NameServer {
  /** The response for every name that is not among {@link names}. */
  mode: NameServerMode
  readonly names: Map<string, NameServerMode> = new Map()
  /** How many questions for IPv4 addresses have come. */
  questions = 0
  readonly #socket: Socket = createSocket('udp4')

  private constructor(mode: NameServerMode) {
    this.mode = mode
    this.#socket.on('message', (question, { port, address }) => {
      const response = this.#respond(question)
      if (response !== undefined) this.#socket.send(response, port, address)
    })
  }

  /** Starts one on a free port. */
  static async start(mode: NameServerMode): Promise<NameServer> {
    const server = new NameServer(mode)
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    return server
  }

  /** Address and port, as `setServers` of `node:dns` takes them. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  close(): void {
    this.#socket.close()
  }

  /** Responds as RFC 1035 has it: the question again, and records whose name is a pointer to it. */
  #respond(message: Buffer): Buffer | undefined {
    // The name ends with an empty label; type and class follow.
    const nameEnd = message.indexOf(0, HEADER_BYTES) + 1
    const question = message.subarray(HEADER_BYTES, nameEnd + 4)
    const isA = message.readUInt16BE(nameEnd) === TYPE_A
    if (isA) this.questions++
    const mode = this.names.get(nameIn(message)) ?? this.mode
    if (mode === 'silent') return undefined
    const addresses = isA && mode !== 'servfail' ? mode : []
    const header = Buffer.alloc(HEADER_BYTES)
    message.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x81_80 | (mode === 'servfail' ? SERVFAIL : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(addresses.length, 6)
    return Buffer.concat([header, question, ...addresses.map(recordOf)])
  }
}

/** The name in a question: labels with their lengths in front. */
function nameIn(message: Buffer): string {
  const labels: string[] = []
  let start = HEADER_BYTES
  for (let length = message[start] ?? 0; length > 0; length = message[start] ?? 0) {
    labels.push(message.toString('latin1', start + 1, start + 1 + length))
    start += 1 + length
  }
  return labels.join('.')
}

function recordOf(address: string): Buffer {
  const timeToLive = [0, 0, 0, 0]
  return Buffer.from([
    0xc0,
    HEADER_BYTES,
    0,
    TYPE_A,
    0,
    1,
    ...timeToLive,
    0,
    4,
    ...address.split('.').map(Number),
  ])
}
