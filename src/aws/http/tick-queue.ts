/** Something that has work to do when the event loop has handled all that has arrived. */
export interface TickTask {
  endTick(): void
}

let waiting: TickTask[] = []

/**
 * Has a task run once, when this turn of the event loop ends.
 *
 * Requests that are sent in one turn leave together at its end: written one by one, in between the answers of others,
 * each of them would wake whoever receives it and throw the code and data of the others out of the processor's
 * caches, which costs more than the request itself. What can wait is done here, too, because most of it has become
 * superfluous by then: a connection that was idle for a moment is in use again.
 *
 * Writes over TLS report that they are done at the same point, before the tasks run.
 */
export function atEndOfTick(task: TickTask): void {
  // One immediate for all of them: an own one would cost each task more than what it does.
  if (waiting.push(task) === 1) setImmediate(runTasks)
}

function runTasks(): void {
  const tasks = waiting
  // What the tasks ask for belongs to the next turn.
  waiting = []
  for (const task of tasks) task.endTick()
}
