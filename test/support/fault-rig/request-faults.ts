import { awsErrorAnswer, htmlError } from './answer.ts'
import type { LostRequestFault } from './fault.ts'

/** Every way in which a request fails to reach the engine. */
export const requestFaults: readonly LostRequestFault[] = [
  fault('request-swallowed', 'ends', () => {
    // Nobody says anything.
  }),
  fault('request-closed', 'ends', ({ line }) => {
    line.close()
  }),
  fault('request-reset', 'ends', ({ line }) => {
    line.reset()
  }),
  fault('request-half-closed', 'ends', ({ line }) => {
    line.halfClose()
  }),
  ...[500, 502, 503, 504].map(statusCode =>
    fault(`html-${statusCode}`, 'continues', exchange => {
      exchange.send(htmlError(statusCode))
    }),
  ),
  ...['ProvisionedThroughputExceededException', 'ThrottlingException'].map(code =>
    fault(`throttled-${code}`, 'continues', exchange => {
      exchange.send(awsErrorAnswer(code, 'The rate is too high'))
    }),
  ),
]

function fault(
  kind: string,
  aftermath: LostRequestFault['aftermath'],
  act: LostRequestFault['act'],
): LostRequestFault {
  return { kind, stage: 'request', aftermath, act }
}
