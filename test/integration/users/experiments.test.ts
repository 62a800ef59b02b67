import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { chromiumPath, startChromium } from '../../support/chromium.ts'
import { engine } from '../../support/engines.ts'
import { startShop } from './shop.ts'
import { UserTable } from './user-table.ts'

const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 375, height: 740 }

/** What a visitor sees of the end of each experiment, in words. */
const OUTCOMES = {
  'parallel-saves': ['has coffee: 1 of 2 changes', 'has coffee and tea: 2 of 2 changes'],
  'logout-during-save': [
    'has the session again: Ada is signed in',
    'has no session: signed out is signed out',
  ],
  'killed-holder': ['has the lock', 'saves visit number 2'],
  'lost-region': ['goes down', 'saw 0 errors'],
  'against-sdk': ['round 5: CPU for one read', 'npm install --no-save @aws-sdk/client-dynamodb'],
}

/** Axe looks at every element; on a busy machine that takes a while. */
const SLOW_TEST_MS = 240_000

/** The short run draws two experiments, and looks for barriers on one screen of each page. */
const isLong = process.env['MODE'] === 'long'
const drawn = Object.entries(OUTCOMES).slice(0, isLong ? undefined : 2)

const executablePath = chromiumPath()

describe('the experiments of the example shop', () => {
  test('are pages of their own without a script', async () => {
    const shop = await openShop()
    const response = await fetch(new URL('/experiments/parallel-saves', shop), { method: 'POST' })
    const page = await response.text()
    const positions = ['<!doctype html>', ...OUTCOMES['parallel-saves'], '</html>'].map(text =>
      page.indexOf(text),
    )
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(positions).not.toContain(-1)
  })

  test('are not there in production, where anybody could start processes with them', async () => {
    const table = await UserTable.create(engine)
    const shop = await startShop(table.name, engine.endpoint, {
      NODE_ENV: 'production',
      SESSION_SECRET: 'a secret of the test',
    })
    for (const [path, method] of [
      ['', 'GET'],
      ['/requests', 'GET'],
      ['/killed-holder', 'POST'],
    ]) {
      const response = await fetch(new URL(`/experiments${path}`, shop), { method: method ?? '' })
      await response.text()
      expect(response.status).toBe(404)
    }
  })

  test('say what failed', async () => {
    const shop = await startShop('no-such-table', engine.endpoint)
    const response = await fetch(new URL('/experiments/parallel-saves', shop), { method: 'POST' })
    expect(await response.text()).toMatch(/The experiment failed:.*no-such-table/)
  })
})

describe.runIf(executablePath !== undefined)('the demo, in Chromium', () => {
  let chromium: Browser
  /** What the pages of a test have printed as errors, and thrown. */
  let complaints: string[] = []

  beforeAll(async () => {
    chromium = await startChromium(executablePath ?? '')
  })

  beforeEach(() => {
    complaints = []
  })

  afterAll(async () => {
    await chromium?.close()
  })

  /** Opens a page in a browser profile of its own. */
  async function open(url: URL, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await chromium.newContext(options)
    // Before its shop ends, which the page would complain of.
    onTestFinished(async () => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(50_000)
    page.on('console', message => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', error => {
      complaints.push(error.message)
    })
    await page.goto(url.href)
    return page
  }

  test.each(drawn)('%s is drawn as it happens', async (id, outcomes) => {
    const page = await open(new URL('/experiments', await openShop()), { viewport: DESKTOP })
    const button = page.locator(`#${id} button`)
    await button.focus()
    await page.keyboard.press('Enter')
    const steps = page.locator(`#${id} .step`)
    for (const outcome of outcomes) await steps.getByText(outcome).waitFor()
    await expect.poll(() => button.getAttribute('aria-disabled')).toBeNull()
    expect(await page.locator('.failure').count()).toBe(0)
    // The keyboard is where it was.
    expect(await page.locator(`#${id} button:focus`).count()).toBe(1)
    // The log knows of it without a reload.
    await page.locator('.requests tbody tr').first().waitFor()
    expect(complaints).toEqual([])
  })

  test.each(
    inShortRun([
      ['a phone in the dark', PHONE, 'dark'],
      ['a desktop', DESKTOP, 'light'],
    ]),
  )(
    'the shop has no barriers on %s, and nothing wider than the screen',
    async (_, viewport, colorScheme) => {
      const page = await open(await openShop(), { viewport, colorScheme })
      await page.getByRole('button', { name: 'Add' }).first().click()
      await page.getByText('The item in DynamoDB').waitFor()
      expect(await barriersOf(page)).toEqual([])
      expect(complaints).toEqual([])
    },
    SLOW_TEST_MS,
  )

  test.each(
    inShortRun([
      ['a desktop in the dark', DESKTOP, 'dark'],
      ['a phone', PHONE, 'light'],
    ]),
  )(
    'an experiment has no barriers on %s, and nothing moves where that is not wanted',
    async (_, viewport, colorScheme) => {
      const url = new URL('/experiments', await openShop())
      const page = await open(url, { viewport, colorScheme, reducedMotion: 'reduce' })
      await page.locator('#logout-during-save button').click()
      const verdict = page.getByText(OUTCOMES['logout-during-save'][1] ?? '')
      await verdict.waitFor()
      expect(await page.evaluate<number>('document.getAnimations().length')).toBe(0)
      expect(await barriersOf(page)).toEqual([])
      expect(complaints).toEqual([])
    },
    SLOW_TEST_MS,
  )

  test('a phone shows what happened before the shelf, and the notice only once', async () => {
    const page = await open(await openShop(), { viewport: PHONE })
    const tops = await Promise.all(
      ['What just happened', 'On the shelf'].map(async name => {
        const box = await page.getByRole('heading', { name }).boundingBox()
        return box?.y ?? Number.NaN
      }),
    )
    expect(tops).toEqual(tops.toSorted((a, b) => a - b))
    await page.getByLabel('Your name').fill('Ada')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByText('You are signed out.').waitFor()
    await page.reload()
    expect(await page.getByText('You are signed out.').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

type Screen = readonly [name: string, viewport: typeof DESKTOP, colorScheme: 'dark' | 'light']

function inShortRun(screens: readonly Screen[]): readonly Screen[] {
  return isLong ? screens : screens.slice(0, 1)
}

async function openShop(): Promise<URL> {
  const table = await UserTable.create(engine)
  return new URL(await startShop(table.name, engine.endpoint))
}

/** What keeps somebody from using a page, by axe; and whether it is wider than the screen. */
async function barriersOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const barriers = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
  return (await page.evaluate<boolean>(isTooWide)) ? [...barriers, 'wider than the screen'] : barriers
}
