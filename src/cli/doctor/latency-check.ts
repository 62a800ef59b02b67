import type { Item } from '../../types.ts'
import type { TableAccess } from '../../table/table-state.ts'
import { type Check, check, messageOf } from './check.ts'

const READS = 10
const SLOW_MS = 50

/** Measures ten consistent reads of a key that nobody has, one after the other, on a connection that is open. */
export async function checkLatency({ client, table, send }: TableAccess, Key: Item): Promise<Check> {
  const durationsMs: number[] = []
  try {
    for (let read = 0; read < READS; read++) {
      const startedAtMs = performance.now()
      await client.send('GetItem', { TableName: table, Key, ConsistentRead: true }, send)
      durationsMs.push(performance.now() - startedAtMs)
    }
  } catch (error) {
    send.signal?.throwIfAborted()
    return check('skip', 'latency', `cannot be measured: ${messageOf(error)}`)
  }
  durationsMs.sort((left, right) => left - right)
  const medianMs = (at(durationsMs, READS / 2 - 1) + at(durationsMs, READS / 2)) / 2
  const found = `ten reads: min ${inMs(at(durationsMs, 0))}, median ${inMs(medianMs)}, max ${inMs(at(durationsMs, READS - 1))}`
  if (medianMs < SLOW_MS) return check('pass', 'latency', found)
  const fix = 'run the application in the region of the table, with a VPC endpoint for DynamoDB'
  return check('warn', 'latency', found, fix)
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN
}

function inMs(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}
