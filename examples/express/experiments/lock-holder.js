/** The process that killed-holder.js kills: `node lock-holder.js <table> <session ID> <lease in seconds>`. */
import { openStore } from './step.js'

const [table = '', id = '', leaseSeconds = ''] = process.argv.slice(2)
const store = openStore(table, { locking: { leaseSeconds: Number(leaseSeconds) } })

process.on('disconnect', () => process.exit(0))
await store.lock(id)
process.send?.('locked')
