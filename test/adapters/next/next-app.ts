import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { oncePerRun } from '../../support/once-per-run.ts'
import { areInstalled } from '../../support/packages.ts'
import { addPackageTo, type Page, PageVisitor, plainEnvironment, type ServerCommand } from '../served-app.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const appFolder = join(folder, 'app')
const program = join(folder, 'node_modules/next/dist/bin/next')

/** Serves the built app. */
export const nextServer: ServerCommand = {
  cwd: appFolder,
  args: [program, 'start', '--hostname', '127.0.0.1', '--port', '0'],
}

/**
 * Installs Next.js, and builds the app in `app` for production with the package as it would be published. The build gets
 * neither a secret nor the name of a table.
 *
 * @returns whether that is done; Next.js is 300 MB, and no development dependency.
 */
export async function isAppBuilt(): Promise<boolean> {
  if (!(await areInstalled(folder, 'Next.js'))) return false
  await oncePerRun('app of Next.js', async () => {
    await addPackageTo(appFolder)
    const env = { ...plainEnvironment, NEXT_TELEMETRY_DISABLED: '1' }
    await promisify(execFile)(process.execPath, [program, 'build'], { cwd: appFolder, env })
  })
  return true
}

/** A {@link PageVisitor} who sends the forms of server actions. */
export class NextVisitor extends PageVisitor {
  /** Sends the form of a page that has a field or a button with a text. */
  async submit(url: string, marker: string, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    const { text } = await this.open(url)
    const form = text.split('<form').find(part => part.includes(marker)) ?? ''
    const body = new FormData()
    for (const [, name = ''] of form.matchAll(/<input type="hidden" name="([^"]+)"/g)) body.append(name, '')
    for (const [name, value] of Object.entries(fields)) body.append(name, value)
    return this.send(url, body)
  }
}
