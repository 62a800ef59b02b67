import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { unzipSync } from 'fflate'

import { packedPackage, root } from '../../support/packed-package.ts'

/** A file in a zip file. */
export interface ZippedFile {
  readonly path: string
  readonly bytes: Uint8Array
  /** As on Unix. */
  readonly mode: number
}

const HEADER = Buffer.from('PK\u0001\u0002')

/** Builds the layer by `tools/build-layer.mjs`. */
export async function buildLayer(
  file: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  await packedPackage()
  await promisify(execFile)(process.execPath, [join(root, 'tools/build-layer.mjs'), file], {
    env: { ...process.env, ...environment },
  })
}

/** The files in a zip file, in its order. */
export async function filesIn(zipFile: string): Promise<readonly ZippedFile[]> {
  const zip = await readFile(zipFile)
  const files: ZippedFile[] = []
  const contents = unzipSync(zip)
  // What `unzipSync` leaves out, the permissions, is in the headers at the end of the file (APPNOTE.TXT, 4.3.12).
  for (let at = zip.indexOf(HEADER); at !== -1; at = zip.indexOf(HEADER, at + 1)) {
    const path = zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28))
    const bytes = contents[path]
    if (bytes !== undefined) files.push({ path, bytes, mode: zip.readUInt32LE(at + 38) >>> 16 })
  }
  return files
}

/** Unpacks a layer, as Lambda does into `/opt`. */
export async function unpackLayer(zipFile: string, folder: string): Promise<void> {
  for (const { path, bytes, mode } of await filesIn(zipFile)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, bytes)
    await chmod(target, mode & 0o777)
  }
}
