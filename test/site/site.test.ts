import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, posix } from 'node:path'

import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { x } from 'tinyexec'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { chromiumPath, startChromium } from '../support/chromium.ts'
import { packedPackage, root } from '../support/packed-package.ts'
import { areInstalled } from '../support/packages.ts'
import { staticServer } from './static-server.ts'

const folder = join(root, 'site')
const dist = join(folder, 'dist')
const base = '/dynamodb-sessions/'
const executable = chromiumPath()

describe.runIf(await areInstalled(folder, 'The packages of the site'))('the site', () => {
  /** The text of each page, by its file in `dist`. */
  const pages = new Map<string, string>()

  beforeAll(async () => {
    // The help of the commands is on a page.
    await packedPackage()
    const options = { cwd: folder, env: { DOCS_BASE: base } }
    const { exitCode, stdout, stderr } = await x('npm', ['run', 'build'], { nodeOptions: options })
    if (exitCode !== 0) throw new Error(`the site cannot be built:\n${stdout}\n${stderr}`)
    for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.html'))
        pages.set(file.replaceAll('\\', '/'), readFileSync(join(dist, file), 'utf8'))
    }
  }, 600_000)

  /** What is wrong with a link; nothing when it leads somewhere. */
  function problemOf(link: string, page: string): string | undefined {
    const { pathname, hash, host } = new URL(link, `http://site${base}${page}`)
    if (host !== 'site') return undefined
    if (!pathname.startsWith(base)) return `${link}: outside of the site`
    const file = pathname === base ? 'index.html' : fileOf(pathname.slice(base.length).replace(/\/$/, ''))
    if (file === undefined) return `${link}: there is no such page`
    const anchor = decodeURIComponent(hash.slice(1))
    const isThere = anchor === '' || pages.get(file)?.includes(`id="${anchor}"`) === true
    return isThere ? undefined : `${link}: there is no such heading in ${file}`
  }

  test('has only links that lead to a page, and to a heading of it', () => {
    expect(pages.size).toBeGreaterThan(60)
    const problems = [...pages].flatMap(([page, html]) => {
      const links = [...html.matchAll(/ (?:href|src)="([^"]+)"/g)]
      return links.flatMap(([, link = '']) => problemOf(link.replaceAll('&amp;', '&'), page) ?? [])
    })
    expect([...new Set(problems)]).toEqual([])
  })

  test('has a list of its pages for language models', () => {
    const list = readFileSync(join(dist, 'llms.txt'), 'utf8')
    expect(list).toMatch(/^# dynamodb-sessions\n\n> /)
    expect(list).toContain('/errors): Every error has a stable code.')
    expect(readFileSync(join(dist, 'llms-full.txt'), 'utf8')).toContain('# Guarantees')
  })

  describe.skipIf(executable === undefined)('in Chromium', () => {
    let server: Server
    let chromium: Browser
    let origin: string

    beforeAll(async () => {
      server = staticServer(dist, base)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`
      chromium = await startChromium(executable ?? '')
    })

    afterAll(async () => {
      await chromium?.close()
      server?.closeAllConnections()
      server?.close()
    })

    const screens = {
      desktop: { viewport: { width: 1366, height: 900 } },
      phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
    } as const

    /** A tab, and what went wrong in it. */
    async function open(screen: BrowserContextOptions): Promise<{ tab: Page; problems: string[] }> {
      // Without transitions, a colour is final as soon as it is set.
      const profile = await chromium.newContext({ ...screen, reducedMotion: 'reduce' })
      const tab = await profile.newPage()
      tab.setDefaultTimeout(60_000)
      const problems: string[] = []
      tab.on('console', message => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
      })
      tab.on('pageerror', error => problems.push(error.message))
      return { tab, problems }
    }

    async function visit(tab: Page, page: string): Promise<void> {
      await tab.goto(origin + page.replace(/(?:^|(?<=\/))index\.html$|\.html$/, ''))
      await tab.waitForLoadState('networkidle')
    }

    test('has landmarks, headings and names on every page, as axe looks for them', async () => {
      const { tab, problems } = await open(screens.desktop)
      const faults: string[] = []
      for (const page of pages.keys()) {
        await visit(tab, page)
        // VitePress makes these two without a main landmark.
        const rules = ['404.html', 'index.html'].includes(page) ? structureWithoutMain : structure
        const found = [...(await faultsOf(tab, rules)), ...problems.splice(0)]
        faults.push(...found.map(fault => `${page}: ${fault}`))
      }
      expect(faults).toEqual([])
      await tab.context().close()
    }, 1_800_000)

    test('is not wider than a phone on any page', async () => {
      const { tab, problems } = await open(screens.phone)
      const wider: string[] = []
      for (const page of pages.keys()) {
        await visit(tab, page)
        const isWider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
        if (await tab.evaluate(isWider)) wider.push(page)
      }
      expect([wider, problems]).toEqual([[], []])
      await tab.context().close()
    }, 1_800_000)

    // The others have the same styles.
    const kinds = ['index', 'start', 'frameworks/express', 'options', 'errors', 'benchmarks', 'api/main']

    test.each(Object.entries(screens))(
      'has the contrast that axe asks for on a %s, in light and dark',
      async (_name, screen) => {
        const { tab } = await open(screen)
        const faults: string[] = []
        for (const page of kinds) {
          await visit(tab, `${page}.html`)
          for (const colorScheme of ['dark', 'light'] as const) {
            await tab.emulateMedia({ colorScheme })
            await tab.waitForFunction(
              `document.documentElement.matches('.dark') === ${colorScheme === 'dark'}`,
            )
            const found = await faultsOf(tab, contrast)
            faults.push(...found.map(fault => `${page}, ${colorScheme}: ${fault}`))
          }
        }
        expect(faults).toEqual([])
        await tab.context().close()
      },
      900_000,
    )

    test('is used by keyboard: skips to the content, and finds "regenerate"', async () => {
      const { tab, problems } = await open(screens.desktop)
      await visit(tab, 'errors.html')
      await tab.keyboard.press('Tab')
      expect(await tab.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to content')
      await tab.keyboard.press('Control+k')
      await tab.waitForSelector('.VPLocalSearchBox input')
      await tab.keyboard.type('regenerate')
      await tab.waitForSelector('.VPLocalSearchBox .result')
      expect(await tab.evaluate(`document.querySelector('.VPLocalSearchBox .results').textContent`)).toMatch(
        /sign-in/i,
      )
      await tab.keyboard.press('Enter')
      await expect.poll(() => tab.url()).not.toContain('/errors')
      expect(problems).toEqual([])
    })
  })
})

/** The rules for landmarks, headings, names and keyboards. A corner of a table in Markdown is a heading, which may be empty. */
function structure(tab: Page, exceptions: readonly string[] = []): AxeBuilder {
  return axeFor(tab)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'])
    .disableRules(['color-contrast', 'empty-table-header', ...exceptions])
}

function structureWithoutMain(tab: Page): AxeBuilder {
  return structure(tab, ['landmark-one-main', 'region'])
}

/**
 * The contrast of each kind of text: the tables of the benchmark have thousands of cells of the same colours, and axe takes
 * minutes for them.
 */
async function contrast(tab: Page): Promise<AxeBuilder> {
  await tab.evaluate(`(() => {
    const kinds = new Set()
    for (const element of document.querySelectorAll('body *')) {
      element.removeAttribute('data-kind')
      if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== '')) continue
      const { color, fontSize, fontWeight } = getComputedStyle(element)
      const colours = []
      for (let each = element; each !== null; each = each.parentElement) {
        const { backgroundColor, opacity } = getComputedStyle(each)
        colours.push(backgroundColor, opacity)
      }
      const kind = [color, fontSize, fontWeight, ...new Set(colours)].join()
      if (!kinds.has(kind)) element.setAttribute('data-kind', '')
      kinds.add(kind)
    }
  })()`)
  return axeFor(tab).withRules(['color-contrast']).include('[data-kind]')
}

/** Without frames, for which axe would open another tab each time, and without a list of what passes. */
function axeFor(tab: Page): AxeBuilder {
  return new AxeBuilder({ page: tab }).setLegacyMode().options({ resultTypes: ['violations'] })
}

/** What axe finds by some rules, three places for each. */
async function faultsOf(
  tab: Page,
  rules: (tab: Page) => AxeBuilder | Promise<AxeBuilder>,
): Promise<readonly string[]> {
  const { violations } = await (await rules(tab)).analyze()
  return violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html}`))
}

/** The file that a path of the site leads to. */
function fileOf(path: string): string | undefined {
  const name = decodeURI(path)
  return [name, `${name}.html`, posix.join(name, 'index.html')].find(
    each => statSync(join(dist, each), { throwIfNoEntry: false })?.isFile() === true,
  )
}
