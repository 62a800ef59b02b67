import { setTimeout as delay } from 'node:timers/promises'

const COUNTED = /^(?:TCP|TLS|Connect|Timeout|DNS|GetAddrInfo)/

/** How many sockets, servers, timers and look-ups keep a process alive, by their kind. */
export type OpenHandles = Readonly<Record<string, number>>

/** Those of this process, as it is. */
export function openHandles(): OpenHandles {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (COUNTED.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

const STEP_MS = 20
const MOST_STEPS = 300

/** Those that there are more of than there were; what has just been closed gets a few seconds to disappear. */
export async function handlesLeft(before: OpenHandles): Promise<OpenHandles> {
  let left = more(openHandles(), before)
  for (let step = 0; step < MOST_STEPS && Object.keys(left).length > 0; step++) {
    await delay(STEP_MS)
    left = more(openHandles(), before)
  }
  return left
}

function more(now: OpenHandles, before: OpenHandles): OpenHandles {
  return Object.fromEntries(Object.entries(now).filter(([kind, count]) => count > (before[kind] ?? 0)))
}
