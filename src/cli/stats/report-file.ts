import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { dirname, extname } from 'node:path'

import { replaceFile } from '../../aws/credentials/cache-file.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { printable, thrownText, UsageError } from '../output.ts'

/** Where a report goes: a new file, or one in place of an earlier report. */
export class ReportFile {
  readonly path: string
  readonly #target: string

  private constructor(path: string, target: string) {
    this.path = path
    this.#target = target
  }

  /**
   * Looks at what is there, and changes nothing.
   *
   * @throws {UsageError} when a report cannot be written there, or would replace what is no report: only regular files
   *   whose names end in `.html` are replaced.
   */
  static async at(path: string): Promise<ReportFile> {
    const shown = printable(path)
    const found = await existing(path)
    if (found?.isDirectory() === true) {
      throw new UsageError(`--html ${shown} is a directory; name a file in it, such as report.html`)
    }
    if (extname(path).toLowerCase() !== '.html') {
      throw new UsageError(
        `--html must be a file whose name ends in .html, so that no other file is replaced`,
      )
    }
    if (found?.isFile() === false) throw new UsageError(`--html ${shown} is not a regular file`)
    // A symbolic link stays, and what it leads to is replaced.
    const target = found === undefined ? path : await realpath(path)
    try {
      // The slash asks for a directory.
      await access(`${dirname(target)}/`, constants.W_OK)
    } catch (error) {
      throw new UsageError(`--html ${shown} cannot be written: ${thrownText(error)}`, { cause: error })
    }
    return new ReportFile(path, target)
  }

  /** Writes the report as a whole, or not at all. */
  async write(text: string): Promise<void> {
    await replaceFile(this.#target, text, 0o666)
  }
}

async function existing(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw new UsageError(`--html ${printable(path)} cannot be looked at: ${thrownText(error)}`, {
      cause: error,
    })
  }
}
