import { describe, expect, test } from 'vitest'

import { SocketTransport } from '../../src/aws/http/socket-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../src/aws/http/transport.ts'
import type { SessionRecord } from '../../src/items/session-record.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { engine } from '../support/engines.ts'
import { Gates } from '../support/gates.ts'
import { newId } from '../support/session-ids.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

/** The retry of a save that has met a conflict: the first attempt is refused. */
const RETRY = 2

/** A transport that keeps the answer to a retry until the gate `answer` opens, and tells when a write of `mine` is refused. */
class LateAnswers implements Transport {
  readonly gates = new Gates()
  readonly #engine = new SocketTransport({ maxSockets: 4 })
  #attempts = 0

  async request(request: TransportRequest): Promise<TransportResponse> {
    const response = await this.#engine.request(request)
    const { body } = request
    if (body.includes('mine')) {
      this.gates.open('refused')
      await this.gates.pass('refused')
    } else if (body.includes('late') && ++this.#attempts === RETRY) {
      await this.gates.pass('answer')
    }
    return response
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}

describe('a save whose answer is late leaves for the next one of its store', () => {
  const subject = concurrencySubject(engine)

  /** A session with a save of it under way that has been carried out after a conflict, and does not know yet. */
  async function lateSave() {
    const transport = subject.closeLater(new LateAnswers())
    const [store, other] = [subject.store({ transport }), subject.store()]
    const id = newId()
    const basis = await store.write(id, { step: 0, flag: 'a' })
    await other.write(id, { step: 1, flag: 'a' }, { basis: await recordIn(other, id) })
    const saved = store.write(id, { step: 0, flag: 'a', late: true }, { basis })
    await transport.gates.reached('answer')
    /** Writes by another process. */
    const change = async (data: Content): Promise<void> => {
      await other.write(id, data, { basis: await recordIn(other, id) })
    }
    /** A save that is refused while the answer is under way. */
    const refused = async (data: Content, mine: SessionRecord<Content>): Promise<unknown> => {
      const saving = store.write(id, { ...data, mine: true }, { basis: mine })
      await transport.gates.reached('refused')
      // The refusal is on its way to the save, which then waits for its turn.
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      transport.gates.open('answer')
      await saved
      return saving
    }
    return { store, other, id, change, refused }
  }

  test('nothing that takes changes back which others have made since', async () => {
    const { store, other, id, change, refused } = await lateSave()
    await change({ step: 2, flag: 'b', late: true })
    const mine = await recordIn(store, id)
    await change({ step: 3, flag: 'b', late: true })
    expect(await refused({ ...mine.data, flag: 'a' }, mine)).toBeDefined()
    expect((await other.read(id))?.data).toEqual({ step: 3, flag: 'a', late: true, mine: true })
  })

  test('nothing of a session that has been destroyed, for one that began since', async () => {
    const { store, other, id, change, refused } = await lateSave()
    await other.destroy(id)
    await other.write(id, { step: 2 })
    const mine = await recordIn(store, id)
    await change({ step: 3 })
    expect(await refused(mine.data, mine)).toBeDefined()
    expect((await other.read(id))?.data).toEqual({ step: 3, mine: true })
  })
})

async function recordIn(store: SessionStore<Content>, id: string): Promise<SessionRecord<Content>> {
  const record = await store.read(id)
  if (record === undefined) throw new Error('the session is gone')
  return record
}
