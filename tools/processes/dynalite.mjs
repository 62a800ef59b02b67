/*
 * Child process that runs dynalite in memory on a free port of the loopback interface. It reports
 * `{ endpoint }` to the process that forked it and ends when that process does.
 */
import dynalite from 'dynalite'

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches every process of the terminal; the parent decides when the database may go.
process.on('SIGINT', () => {})

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('dynalite has no TCP port')
  report({ endpoint: `http://127.0.0.1:${address.port}` })
})

/** @param {{ endpoint: string }} message */
function report(message) {
  // Without a callback, a parent that is already gone would make this an uncaught error.
  process.send?.(message, error => {
    if (error !== null) process.exit(1)
  })
}
