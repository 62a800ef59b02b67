import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of a Chromium; `undefined`, with a line on standard error, when there is none. */
export function chromiumPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.flatMap(folder => NAMES.map(name => join(folder, name))).find(isExecutable)
  if (found === undefined)
    process.stderr.write('there is no Chromium: the tests with a browser are skipped.\n')
  return found
}

/** Starts a Chromium without a window. */
export async function startChromium(executablePath: string): Promise<Browser> {
  // Containers of CI run as root, and without what the sandbox needs.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
