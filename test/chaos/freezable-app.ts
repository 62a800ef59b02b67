/*
 * A process with a store, to be suspended and resumed: it is bundled and run by freeze-and-thaw.test.ts, which sends it
 * questions and gets answers.
 */
import { SessionStore, type SessionStoreOptions } from '../../src/index.ts'

/** What the process is asked to do. */
export type Question =
  | { readonly call: 'write'; readonly counter: number }
  /** Reads the session that many times at once. */
  | { readonly call: 'read'; readonly times: number }
  /** Moves the clock of the machine. */
  | { readonly call: 'jump'; readonly ms: number }

/** The counters that were read, and how often the credentials were asked for so far. */
interface Counted {
  readonly counters: readonly unknown[]
  readonly credentialLookups: number
}

/** What it answers. */
export type Reply = Counted | { readonly error: string }

const FIVE_MINUTES_MS = 300_000

const options = JSON.parse(process.argv[2] ?? '{}') as SessionStoreOptions
let credentialLookups = 0
const store = new SessionStore({
  ...options,
  credentials: () => {
    credentialLookups++
    const expiration = new Date(Date.now() + 2 * FIVE_MINUTES_MS)
    return { accessKeyId: 'local', secretAccessKey: 'local', expiration }
  },
})

process.on('message', (question: Question) => {
  answer(question).then(
    counters => process.send?.({ counters, credentialLookups }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

async function answer(question: Question): Promise<readonly unknown[]> {
  if (question.call === 'jump') {
    const realNow = Date.now
    Date.now = () => realNow() + question.ms
    return []
  }
  if (question.call === 'write') {
    await store.write('frozen', { counter: question.counter })
    return []
  }
  const reads = Array.from({ length: question.times }, async () => store.read('frozen'))
  return (await Promise.all(reads)).map(record => record?.data['counter'])
}
