/*
 * `npm run bench`: measures dynamodb-sessions next to the other ways to reach DynamoDB from JavaScript and writes
 * RESULTS.md, results.json and the plots.
 */
import { readArguments, usage } from './lib/arguments.mjs'
import { ensureContendersInstalled, installOurPackage } from './lib/install.mjs'

try {
  const options = readArguments(process.argv.slice(2))
  if (options.help) console.log(usage)
  else await run(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** @param {ReturnType<typeof readArguments>} options */
async function run(options) {
  await ensureContendersInstalled()
  await installOurPackage()

  // These load what has only been there since.
  const { startStubServer } = await import('./lib/stub-server.mjs')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
  const server = await startStubServer()
  try {
    if (options.profile === undefined) {
      const { runSections } = await import('./lib/sections.mjs')
      await runSections(server, options)
    } else {
      const { profileContender } = await import('./lib/profile.mjs')
      await profileContender(server, options.profile)
    }
  } finally {
    await server.stop()
  }
}
