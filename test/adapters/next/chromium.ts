import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The part of `playwright-core` that the tests use; it is no development dependency. */
interface Launcher {
  launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<Chromium>
}

/** A Chromium without a window. */
export interface Chromium {
  newContext(): Promise<Profile>
  close(): Promise<void>
}

/** What has cookies of its own. */
export interface Profile {
  newPage(): Promise<Tab>
  cookies(): Promise<readonly { readonly name: string; readonly value: string }[]>
  on(event: 'response', listener: (response: TabResponse) => void): void
}

/** What a tab was answered. */
export interface TabResponse {
  url(): string
  finished(): Promise<unknown>
}

/** A tab. Its methods wait until what they need is there. */
export interface Tab {
  setDefaultTimeout(timeoutMs: number): void
  goto(url: string): Promise<unknown>
  fill(selector: string, text: string): Promise<void>
  press(selector: string, key: string): Promise<void>
  click(selector: string): Promise<void>
  waitForSelector(selector: string): Promise<unknown>
  waitForLoadState(state: 'networkidle'): Promise<void>
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of a Chromium; `undefined`, with a line on standard error, when there is none. */
export function chromiumPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.flatMap(folder => NAMES.map(name => join(folder, name))).find(isExecutable)
  if (found === undefined)
    process.stderr.write('there is no Chromium: the tests with a browser are skipped.\n')
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param folder where `playwright-core` is installed. */
export async function startChromium(folder: URL, executablePath: string): Promise<Chromium> {
  const { href } = new URL('node_modules/playwright-core/index.mjs', folder)
  const { chromium } = (await import(href)) as { chromium: Launcher }
  // Containers of CI run as root, and without what the sandbox needs.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}
