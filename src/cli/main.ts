#!/usr/bin/env node
import { type CommandLineIo, Interruption, type Output, widthOf } from './output.ts'
import { runCommandLine } from './run.ts'

/*
 * The executable: connects the command line with the process it runs in.
 */

const interruption = new AbortController()

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait until everything has been put away.
    if (interruption.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    interruption.abort(new Interruption(signal))
  })
}

const io: CommandLineIo = {
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  // Looked at only when it is read: opening it would keep the process alive.
  stdin: { [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator]() },
  environment: process.env,
  signal: interruption.signal,
}

runCommandLine(process.argv.slice(2), io).then(
  exitCode => {
    process.exitCode = exitCode
    if (interruption.signal.aborted) process.exit()
  },
  (error: unknown) => {
    process.exitCode = 1
    process.stderr.write(`${String(error)}\n`)
  },
)

function outputOf(stream: NodeJS.WriteStream): Output {
  // The callback of each write tells, too; without a listener it would be the end of the process.
  stream.on('error', () => {})
  return {
    isTerminal: stream.isTTY,
    columns: widthOf(stream),
    write: text =>
      new Promise((resolve, reject) => {
        stream.write(text, error => {
          if (error === null || error === undefined) resolve()
          else reject(error)
        })
      }),
  }
}
