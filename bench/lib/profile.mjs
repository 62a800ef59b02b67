import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { workFolder } from './folders.mjs'
import { measureOne } from './measure-cpu.mjs'

/**
 * The part of a .cpuprofile that is read here.
 *
 * @typedef {{
 *   nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[],
 *   samples: number[],
 *   timeDeltas: number[],
 * }} CpuProfile
 */

const shownFunctions = 40
const shownPlaces = 20
const sampleIntervalMicros = 500

/**
 * Profiles one contender under load and prints the functions in which it spends its time.
 *
 * @param {import('./stub-server.mjs').StubServer} server
 * @param {import('./contenders.mjs').ContenderInfo} contender
 */
export async function profileContender(server, contender) {
  const folder = join(workFolder, 'profiles', contender.name)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await measureOne(
    server,
    contender,
    { protocol: 'https', inFlight: 32, itemBytes: 512, operation: 'get' },
    { warmUpCpuMs: 500, warmUpOperations: 1, measureCpuMs: 10_000 },
    ['--cpu-prof', '--cpu-prof-interval', String(sampleIntervalMicros), '--cpu-prof-dir', folder],
  )
  const [file] = await readdir(folder)
  if (file === undefined) throw new Error('node wrote no profile')
  const path = join(folder, file)
  /** @type {unknown} */
  const profile = JSON.parse(await readFile(path, 'utf8'))
  const { places, functions } = selfTimes(/** @type {CpuProfile} */ (profile))

  console.log(`\n${contender.label}: self time without idle time, from ${path}\n`)
  for (const [place, share] of places.slice(0, shownPlaces)) console.log(`${percent(share)}  ${place}`)
  console.log('')
  for (const [name, share] of functions.slice(0, shownFunctions)) console.log(`${percent(share)}  ${name}`)
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(1).padStart(5)} %`
}

/** @param {CpuProfile} profile */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  /** @type {Map<string, number>} */
  const functions = new Map()
  /** @type {Map<string, number>} */
  const places = new Map()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    // In a longer gap another process had the processor; nothing here spent that time.
    const micros = Math.min(timeDeltas[index] ?? 0, 2 * sampleIntervalMicros)
    if (frame === undefined || frame.functionName === '(idle)') continue
    total += micros
    const place = placeOf(frame)
    const name = `${frame.functionName || '(anonymous)'}  ${place}:${frame.lineNumber + 1}`
    functions.set(name, (functions.get(name) ?? 0) + micros)
    places.set(place, (places.get(place) ?? 0) + micros)
  }
  /** @param {Map<string, number>} times */
  const shares = times =>
    [...times]
      .map(([name, micros]) => /** @type {const} */ ([name, micros / total]))
      .sort((a, b) => b[1] - a[1])
  return { functions: shares(functions), places: shares(places) }
}

/** @param {{ url: string, functionName: string }} frame */
function placeOf({ url, functionName }) {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/bench\//, 'bench/')
}
