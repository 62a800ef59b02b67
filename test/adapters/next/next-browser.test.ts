import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { UserTable } from '../../integration/users/user-table.ts'
import { chromiumPath, startChromium } from '../../support/chromium.ts'
import { engine } from '../../support/engines.ts'
import { ServedApp, variablesFor } from '../served-app.ts'
import { isAppBuilt, nextServer } from './next-app.ts'

const executablePath = chromiumPath()

describe.runIf(executablePath !== undefined && (await isAppBuilt()))('an app of Next.js, in Chromium', () => {
  let table: UserTable
  let app: ServedApp
  let chromium: Browser

  beforeAll(async () => {
    table = await UserTable.create(engine)
    const variables = { ...variablesFor(engine, table.name), NEXT_TELEMETRY_DISABLED: '1' }
    app = await ServedApp.start(nextServer, variables)
    chromium = await startChromium(executablePath ?? '')
  })

  afterAll(async () => {
    await chromium?.close()
    await app?.close()
  })

  async function openTab(): Promise<{ profile: BrowserContext; tab: Page }> {
    const profile = await chromium.newContext()
    const tab = await profile.newPage()
    tab.setDefaultTimeout(50_000)
    return { profile, tab }
  }

  /** Fills in the form and is redirected. */
  async function signIn(tab: Page, user: string): Promise<void> {
    await tab.goto(app.origin)
    await tab.fill('[name=user]', user)
    await tab.press('[name=user]', 'Enter')
    await tab.waitForSelector(`text=user:${user};`)
  }

  /** Follows no link, but lets the browser prefetch all of them. */
  async function prefetch({ profile, tab }: { profile: BrowserContext; tab: Page }): Promise<number> {
    const prefetched: string[] = []
    profile.on('response', response => {
      if (response.url().includes('/linked/')) prefetched.push(response.url())
    })
    await tab.goto(`${app.origin}/links`)
    await tab.waitForSelector('text=19')
    // It begins when the browser is idle.
    await expect.poll(() => prefetched.length).toBeGreaterThan(0)
    await tab.waitForLoadState('networkidle')
    return prefetched.length
  }

  test('a stranger for whom links are prefetched gets no cookie and no session', async () => {
    const stranger = await openTab()
    expect(await prefetch(stranger)).toBeGreaterThan(0)
    expect(await stranger.profile.cookies()).toEqual([])
    expect(await table.itemCount()).toBe(0)
  })

  test('prefetching keeps the session of a visitor, and Next.js has nothing to complain of', async () => {
    const visitor = await openTab()
    await signIn(visitor.tab, 'ada')
    const [before] = await visitor.profile.cookies()
    const sessions = await table.itemCount()
    expect(await prefetch(visitor)).toBeGreaterThan(0)
    expect(await visitor.profile.cookies()).toEqual([expect.objectContaining({ value: before?.value })])
    expect(await table.itemCount()).toBe(sessions)
    await visitor.tab.click('text="7"')
    await visitor.tab.waitForSelector('text=page:7; user:ada;')
    expect(app.complaints).toBe('')
  })

  test('signing out everywhere leaves the browser that asked for it signed in, and no other', async () => {
    const [first, second] = [await openTab(), await openTab()]
    await signIn(first.tab, 'grace')
    await signIn(second.tab, 'grace')
    const before = await table.itemCount()
    await second.tab.click('text=everywhere')
    await expect.poll(() => table.itemCount()).toBe(before - 1)
    await first.tab.goto(app.origin)
    await first.tab.waitForSelector('text=user:nobody;')
    await second.tab.goto(app.origin)
    await second.tab.waitForSelector('text=user:grace;')
    await second.tab.click('text="sign out"')
    await second.tab.waitForSelector('text=user:nobody;')
    expect(await second.profile.cookies()).toEqual([])
  })
})
