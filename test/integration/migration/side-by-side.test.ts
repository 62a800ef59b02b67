import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import type { SessionStore } from '../../../src/store/session-store.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import { everySides, openSide } from './moving-sides.ts'

/** `vitest run test/integration/migration --mode long` is the long version. */
const ROUNDS = process.env['MODE'] === 'long' ? 40 : 1
const SESSIONS = 4
const VISITORS = 3
const SAVES = 4

/** What happens to one session, as its visitors see it. */
interface Course {
  readonly id: string
  readonly stores: readonly SessionStore[]
  /** How many saves of each visitor were acknowledged. */
  readonly saved: number[]
  state: 'alive' | 'being destroyed' | 'destroyed'
  readonly problems: string[]
}

describe.runIf(engine.supports.transactions)(
  'processes that serve the same visitors at the same time',
  () => {
    const subject = tableSubject(engine, everyTouch)

    test.each(everySides.slice(1))(
      'between $name nothing is lost, nobody is signed out, and what is destroyed stays so',
      async ({ forth, back }) => {
        const [old, ...others] = [back, forth, back, forth].map(options => openSide(subject, options))
        if (old === undefined) throw new Error('there are no stores')
        const stores = [old, ...others]
        for (let round = 0; round < ROUNDS; round++) {
          const courses = Array.from({ length: SESSIONS }, async (_, index) => {
            const course = await begin(old, stores)
            await Promise.all([
              ...course.saved.map((__, visitor) => visit(course, visitor)),
              index % 2 === 0 ? destroy(course) : undefined,
            ])
            await conclude(course)
            return course.problems
          })
          expect((await Promise.all(courses)).flat()).toEqual([])
        }
      },
      180_000 + 30_000 * ROUNDS,
    )
  },
)

async function begin(old: SessionStore, stores: readonly SessionStore[]): Promise<Course> {
  const course: Course = {
    id: newId(),
    stores,
    saved: Array.from({ length: VISITORS }, () => 0),
    state: 'alive',
    problems: [],
  }
  await old.write(course.id, { visits: 0 })
  return course
}

/** One visitor, whose every request reaches a process of one kind or the other and changes a key of its own. */
async function visit(course: Course, visitor: number): Promise<void> {
  const { id, saved, problems } = course
  for (let round = 1; round <= SAVES; round++) {
    const store = storeOf(course)
    const { state } = course
    const basis = await store.read(id)
    if (basis === undefined) {
      if (isAlive(course)) problems.push(`signed out before save ${round} of ${visitor}`)
      return
    }
    if (state === 'destroyed') problems.push(`still there before save ${round} of ${visitor}`)
    await delay(Math.random() * 8)
    if (Math.random() < 0.2) await touch(course, basis, store)
    const data = { ...basis.data, [`visitor-${visitor}`]: round }
    if ((await store.write(id, data, { basis })) !== undefined) saved[visitor] = round
    else if (isAlive(course)) problems.push(`save ${round} of ${visitor} found nothing`)
  }
}

async function touch(
  course: Course,
  basis: NonNullable<Awaited<ReturnType<SessionStore['read']>>>,
  store: SessionStore,
): Promise<void> {
  if (!(await store.touch(basis)) && isAlive(course)) course.problems.push('a touch found nothing')
}

async function destroy(course: Course): Promise<void> {
  await delay(Math.random() * 60)
  course.state = 'being destroyed'
  await storeOf(course).destroy(course.id)
  course.state = 'destroyed'
}

async function conclude(course: Course): Promise<void> {
  const { id, stores, saved, problems } = course
  for (const store of stores.slice(0, 2)) {
    const record = await store.read(id)
    if (course.state === 'destroyed') {
      if (record !== undefined) problems.push('it came back')
      continue
    }
    const lost = saved.filter((count, visitor) => record?.data[`visitor-${visitor}`] !== count)
    if (lost.length > 0) problems.push(`acknowledged saves of ${lost.length} visitors are lost`)
  }
}

function isAlive({ state }: Course): boolean {
  return state === 'alive'
}

function storeOf({ stores }: Course): SessionStore {
  const store = stores[Math.floor(Math.random() * stores.length)]
  if (store === undefined) throw new Error('there are no stores')
  return store
}
