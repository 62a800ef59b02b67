import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A home directory of one test. */
export interface TemporaryHome {
  readonly directory: string
  /** Variables with which the AWS files of this home are found, and commands run. */
  readonly environment: Readonly<Record<string, string>>
}

/** The AWS files of a home directory, by their usual names. */
export interface AwsFiles {
  readonly config?: string
  readonly credentials?: string
}

/** Makes a home directory with the AWS files that are given; it is removed when the running test ends. */
export async function temporaryHome(files: AwsFiles = {}): Promise<TemporaryHome> {
  const directory = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-home-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries<string | undefined>({ ...files })) {
    if (text === undefined) continue
    await mkdir(join(directory, '.aws'), { recursive: true })
    await writeFile(join(directory, '.aws', name), text)
  }
  return { directory, environment: { HOME: directory, PATH: process.env['PATH'] ?? '' } }
}
