import { setImmediate } from 'node:timers/promises'

import { type Answer, htmlError } from './answer.ts'
import { chunkedFaults } from './chunked-faults.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerFault } from './fault.ts'

/** Every way in which the answer of the engine fails to arrive as it was sent. */
export const answerFaults: readonly AnswerFault[] = [
  ...cuts(),
  ...slowness(),
  ...chunkedFaults,
  ...wrongLengths(),
  ...extraBytes(),
  ...otherForms(),
]

/** The connection ends, or falls silent, at each place of the answer. */
function cuts(): readonly AnswerFault[] {
  const places: Readonly<Record<string, (head: number, body: number, share: number) => number>> = {
    'before-head': () => 0,
    'within-head': (head, _body, share) => 1 + Math.floor(share * (head - 1)),
    'after-head': head => head,
    'within-body': (head, body, share) => head + Math.min(1, body) + Math.floor(share * (body - 1)),
    'after-body': (head, body) => head + body,
  }
  const endings: Readonly<Record<string, (exchange: Exchange) => void>> = {
    close: ({ line }) => {
      line.close()
    },
    reset: ({ line }) => {
      line.reset()
    },
    'half-close': ({ line }) => {
      line.halfClose()
    },
    truncate: () => {
      // The rest never comes.
    },
  }
  return Object.entries(places).flatMap(([place, at]) =>
    Object.entries(endings)
      .filter(([ending]) => ending !== 'truncate' || place !== 'after-body')
      .map(([ending, end]) =>
        fault(`${ending}-${place}`, place === 'after-body' ? 'may-end' : 'ends', async (exchange, answer) => {
          const { head, body } = exchange.encode(answer)
          exchange.line.send(
            Buffer.concat([head, body]).subarray(0, at(head.length, body.length, exchange.random.next())),
          )
          // Half of the time the end comes together with the bytes, half of the time behind them.
          if (exchange.random.chance(0.5)) await exchange.line.pause(1)
          end(exchange)
        }),
      ),
  )
}

function slowness(): readonly AnswerFault[] {
  return [
    fault('delay', 'continues', async (exchange, answer) => {
      if (await exchange.line.pause(exchange.random.between(1, 60))) exchange.send(answer)
    }),
    fault('late', 'ends', async (exchange, answer) => {
      // A client whose timer fires late, because the process was busy, looks once for an answer that is there already.
      if (!(await exchange.line.pause(exchange.overlongMs))) return
      await setImmediate()
      await setImmediate()
      exchange.send(answer)
    }),
    fault('throttle', 'may-end', async (exchange, answer) => {
      const { head, body } = exchange.encode(answer)
      await exchange.line.sendSlowly(Buffer.concat([head, body]), exchange.random.pick([1000, 5000, 50_000]))
    }),
    fault('split-at-every-byte', 'continues', async (exchange, answer) => {
      const { head, body } = exchange.encode(answer)
      await exchange.line.sendByteByByte(Buffer.concat([head, body]))
    }),
  ]
}

function wrongLengths(): readonly AnswerFault[] {
  return [
    fault('content-length-too-small', 'ends', (exchange, answer) => {
      sendWithLength(exchange, answer, -exchange.random.between(1, answer.body.length))
    }),
    fault('content-length-too-small-in-packets', 'ends', async (exchange, answer) => {
      const length = Math.max(0, answer.body.length - exchange.random.between(1, answer.body.length))
      const { head, body } = exchange.encode(answer, { framing: ['content-length', String(length)] })
      exchange.line.send(Buffer.concat([head, body.subarray(0, length)]))
      await exchange.line.pause(1)
      exchange.line.send(body.subarray(length))
    }),
    fault('content-length-too-large', 'ends', (exchange, answer) => {
      sendWithLength(exchange, answer, exchange.random.between(1, 1000))
    }),
    fault('content-length-too-large-and-close', 'ends', (exchange, answer) => {
      sendWithLength(exchange, answer, exchange.random.between(1, 1000))
      exchange.line.close()
    }),
    fault('content-length-repeated', 'ends', (exchange, answer) => {
      exchange.send(answer, { fields: [['content-length', String(answer.body.length + 1)]] })
    }),
  ]
}

function sendWithLength(exchange: Exchange, answer: Answer, change: number): void {
  exchange.send(answer, { framing: ['content-length', String(Math.max(0, answer.body.length + change))] })
}

/** Bytes that belong to no request. `at-once`: in the same packet; `behind`: in the next one. */
function extraBytes(): readonly AnswerFault[] {
  const stray = Buffer.from('stray bytes\r\n\r\n')
  return [
    fault('duplicate-at-once', 'ends', (exchange, answer) => {
      const { head, body } = exchange.encode(answer)
      exchange.line.send(Buffer.concat([head, body, head, body]))
    }),
    fault('duplicate-behind', 'may-end', async (exchange, answer) => {
      exchange.send(answer)
      await exchange.line.pause(exchange.random.between(0, 10))
      exchange.send(answer)
    }),
    fault('duplicate-before-next-answer', 'may-end', (exchange, answer) => {
      exchange.send(answer)
      exchange.line.beforeNextAnswer = () => {
        exchange.send(answer)
      }
    }),
    // A gateway that limits rates, and one that cannot reach what is behind it.
    ...[429, 502].map(statusCode =>
      fault(`html-${statusCode}-again-before-next-answer`, 'may-end', exchange => {
        exchange.send(htmlError(statusCode))
        exchange.line.beforeNextAnswer = () => {
          exchange.send(htmlError(statusCode))
        }
      }),
    ),
    fault('stray-bytes-before', 'ends', (exchange, answer) => {
      exchange.line.send(stray)
      exchange.send(answer)
    }),
    fault('stray-bytes-at-once', 'ends', (exchange, answer) => {
      const { head, body } = exchange.encode(answer)
      exchange.line.send(Buffer.concat([head, body, stray]))
    }),
    fault('stray-bytes-behind', 'may-end', async (exchange, answer) => {
      exchange.send(answer)
      await exchange.line.pause(exchange.random.between(0, 10))
      exchange.line.send(stray)
    }),
    fault('flipped-byte', 'ends', (exchange, answer) => {
      const body = Buffer.from(answer.body)
      const index = exchange.random.between(0, body.length - 1)
      body.writeUInt8(body.readUInt8(index) ^ exchange.random.between(1, 255), index)
      exchange.send({ ...answer, body })
    }),
  ]
}

/** Answers that are right, in the forms that servers and load balancers give them, and error pages in their place. */
function otherForms(): readonly AnswerFault[] {
  return [
    fault('interim-answers', 'continues', async (exchange, answer) => {
      const interim = ['100 Continue\r\n', '103 Early Hints\r\nlink: </style.css>\r\n', '102 Processing\r\n']
      for (const text of interim.slice(0, exchange.random.between(1, 3))) {
        exchange.line.send(Buffer.from(`HTTP/1.1 ${text}\r\n`))
        if (exchange.random.chance(0.5)) await exchange.line.pause(1)
      }
      exchange.send(answer)
    }),
    fault('connection-close', 'ends', (exchange, answer) => {
      exchange.send(answer, { fields: [['connection', 'close']] })
      if (exchange.random.chance(0.5)) exchange.line.close()
    }),
    fault('http-1.0', 'ends', (exchange, answer) => {
      exchange.send(answer, { version: '1.0' })
      exchange.line.close()
    }),
    fault('http-1.0-until-close', 'ends', async (exchange, answer) => {
      exchange.send(answer, { version: '1.0', framing: 'none' })
      await exchange.line.pause(exchange.random.between(0, 5))
      exchange.line.close()
    }),
    ...[500, 502, 503, 504].map(statusCode =>
      fault(`html-${statusCode}-after-the-engine`, 'continues', exchange => {
        exchange.send(htmlError(statusCode))
      }),
    ),
  ]
}

function fault(kind: string, aftermath: AnswerFault['aftermath'], act: AnswerFault['act']): AnswerFault {
  return { kind, stage: 'answer', aftermath, act }
}
