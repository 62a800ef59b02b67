import type { Browser } from '../../support/browser.ts'
import type { AppProcess } from './app-folder.ts'

/** What an application of these tests answers. */
export interface Visit {
  readonly visits: number
  /** Name of the class of the session store. */
  readonly store?: string
  readonly isStore?: boolean
}

/** Opens the page of an application. */
export async function visit(browser: Browser, app: AppProcess): Promise<Visit> {
  const { status, text } = await browser.open(`${app.origin}/`)
  if (status !== 200) throw new Error(`the application answered with ${status}: ${text}\n${app.stderr}`)
  return JSON.parse(text) as Visit
}
