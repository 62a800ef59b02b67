import { cpus, loadavg, totalmem } from 'node:os'

import { contenders, installedVersion } from './contenders.mjs'

/** @typedef {Awaited<ReturnType<typeof describeRun>>} RunFacts */

/**
 * Where and with what something was measured.
 *
 * @param {boolean} quick
 * @param {string} server
 */
export async function describeRun(quick, server) {
  const processors = cpus()
  /** @type {Record<string, string>} */
  const versions = { 'dynamodb-sessions': await installedVersion('dynamodb-sessions') }
  for (const name of [...contenders.flatMap(({ packages }) => packages), 'express-session', 'esbuild']) {
    versions[name] = await installedVersion(name)
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    quick,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    openssl: process.versions.openssl ?? '',
    loadAverageBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    server,
    versions,
  }
}
