import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { basePoint, runLoad } from '../sections/cpu.mjs'
import { workFolder } from './folders.mjs'

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
 * @param {import('../types.d.ts').Context} context
 * @param {string} contender
 */
export async function profileContender(context, contender) {
  const folder = join(workFolder, 'profiles', contender)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const plan = { ...context.plan, measureCpuMs: 10_000 }
  await runLoad({ ...context, plan }, 'load.mjs', basePoint, contender, {
    nodeOptions: [
      '--cpu-prof',
      '--cpu-prof-interval',
      String(sampleIntervalMicros),
      '--cpu-prof-dir',
      folder,
    ],
  })
  const [file] = await readdir(folder)
  if (file === undefined) throw new Error('node wrote no profile')
  const path = join(folder, file)
  /** @type {unknown} */
  const profile = JSON.parse(await readFile(path, 'utf8'))

  console.log(`\n${contender}: self time without idle time, from ${path}`)
  for (const [shown, times] of selfTimes(/** @type {CpuProfile} */ (profile))) {
    console.log('')
    const total = [...times.values()].reduce((sum, micros) => sum + micros, 0)
    const largest = [...times].sort(([, one], [, other]) => other - one).slice(0, shown)
    for (const [name, micros] of largest) {
      console.log(`${((100 * micros) / total).toFixed(1).padStart(5)} %  ${name}`)
    }
  }
}

/**
 * Microseconds by place and by function, and how many of them are shown.
 *
 * @param {CpuProfile} profile
 * @returns {[shown: number, times: Map<string, number>][]}
 */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  /** @type {Map<string, number>} */
  const places = new Map()
  /** @type {Map<string, number>} */
  const functions = new Map()
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    if (frame === undefined || frame.functionName === '(idle)') continue
    // In a longer gap another process had the processor; nothing here spent that time.
    const micros = Math.min(timeDeltas[index] ?? 0, 2 * sampleIntervalMicros)
    const place = placeOf(frame)
    const name = `${frame.functionName || '(anonymous)'}  ${place}:${frame.lineNumber + 1}`
    places.set(place, (places.get(place) ?? 0) + micros)
    functions.set(name, (functions.get(name) ?? 0) + micros)
  }
  return [
    [shownPlaces, places],
    [shownFunctions, functions],
  ]
}

/** @param {{ url: string, functionName: string }} frame */
function placeOf({ url, functionName }) {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/bench\//, 'bench/')
}
