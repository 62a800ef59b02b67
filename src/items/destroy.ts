import type { SendOptions } from '../aws/dynamodb/client.ts'
import { SessionConflictError } from '../errors.ts'
import { allOf } from '../layouts/layout.ts'
import type { DoubtfulCreations } from './doubtful-creations.ts'
import type { ItemTable } from './item-table.ts'

const MOST_ATTEMPTS = 20

/**
 * Deletes a session, whatever it is by now.
 *
 * It deletes only what had started when it was called: a copy of the request that DynamoDB carries out late leaves a session
 * alone that was created under the same ID since. Where a request that created the session may still be on its way, a
 * gravestone takes the place of the item for a while, so that the session does not come back.
 */
export async function destroySession(
  table: ItemTable,
  key: string,
  doubtful: DoubtfulCreations,
  options: SendOptions,
): Promise<void> {
  const { layout } = table
  const { lateRequests } = layout
  if (lateRequests === undefined) {
    await table.delete(key, options)
    return
  }
  const nowMs = table.clock.now()
  let started = lateRequests.startedBy(nowMs)
  let buries = doubtful.has(key)
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const { happened, item } = buries
      ? await table.replace(key, lateRequests.gravestone(key, nowMs), started, options)
      : await table.deleteIf(key, allOf(started, lateRequests.noCreationExpected(nowMs)), options)
    if (happened || item === undefined) return
    buries ||= lateRequests.isCreationExpected(item, nowMs)
    // By a clock that is ahead of this one it starts later. It is there now.
    started = lateRequests.isStill(item)
  }
  throw new SessionConflictError(
    `others kept on creating the session anew while it was destroyed (attempts: ${MOST_ATTEMPTS}); it was given up`,
    { attempts: MOST_ATTEMPTS },
  )
}
