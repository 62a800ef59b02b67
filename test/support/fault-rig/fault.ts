import type { Answer } from './answer.ts'
import type { Exchange } from './exchange.ts'

/**
 * What a fault means for its connection: `ends` when the client has to give it up, so that no other request may come
 * on it; `may-end` when that depends on what arrives first.
 */
export type Aftermath = 'continues' | 'may-end' | 'ends'

/** A fault in place of an answer: the request never reaches the engine. */
export interface LostRequestFault {
  readonly kind: string
  readonly stage: 'request'
  readonly aftermath: Aftermath
  readonly act: (exchange: Exchange) => Promise<void> | void
}

/** A fault on the way back: the engine has done what it was asked. */
export interface AnswerFault {
  readonly kind: string
  readonly stage: 'answer'
  readonly aftermath: Aftermath
  readonly act: (exchange: Exchange, answer: Answer) => Promise<void> | void
}

/** A fault of one request and its answer. */
export type ExchangeFault = LostRequestFault | AnswerFault

/** A fault of a connection before its first request. The certificates only mean something with TLS. */
export type ConnectionFault =
  | 'refuse'
  | 'silent'
  | 'close-at-once'
  | 'reset-at-once'
  | 'certificate-of-another-host'
  | 'certificate-expired'
  | 'certificate-self-signed'

/** The connection faults that need TLS. */
export const certificateFaults: readonly ConnectionFault[] = [
  'certificate-of-another-host',
  'certificate-expired',
  'certificate-self-signed',
]

/** The connection faults that any connection can have. */
export const plainConnectionFaults: readonly ConnectionFault[] = [
  'refuse',
  'silent',
  'close-at-once',
  'reset-at-once',
]
