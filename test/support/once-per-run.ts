import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { inject } from 'vitest'

const POLL_MS = 50

/**
 * Does what many test files need, such as a build, once in a run: the first that asks does it, others wait for it.
 *
 * @param name of what is done; in a run it stands for one thing.
 * @param make does it in a new folder, which is deleted at the end of the run.
 * @returns the folder.
 */
export async function oncePerRun(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('runFolder'), name)
  const outcomeFile = `${folder}.outcome`
  try {
    await mkdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const failure = await textOf(outcomeFile)
    if (failure !== '')
      throw new Error(`${name} has failed in another test file:\n${failure}`, { cause: error })
    return folder
  }
  try {
    await make(folder)
    await writeWhole(outcomeFile, '')
  } catch (error) {
    await writeWhole(outcomeFile, String(error))
    throw error
  }
  return folder
}

/** Whoever reads the file finds all of it or none. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text)
  await rename(`${file}.part`, file)
}

async function textOf(file: string): Promise<string> {
  for (;;) {
    try {
      return await readFile(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      await delay(POLL_MS)
    }
  }
}
