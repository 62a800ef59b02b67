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
    async function open(
      path: string,
      options: BrowserContextOptions,
    ): Promise<{ tab: Page; problems: string[] }> {
      const profile = await chromium.newContext(options)
      const tab = await profile.newPage()
      tab.setDefaultTimeout(60_000)
      const problems: string[] = []
      tab.on('console', message => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
      })
      tab.on('pageerror', error => problems.push(error.message))
      await tab.goto(origin + path)
      await tab.waitForLoadState('networkidle')
      return { tab, problems }
    }

    const kinds = ['', 'start', 'frameworks/express', 'options', 'errors', 'benchmarks', 'api/main']

    describe.each(Object.entries(screens))('on a %s', (_name, screen) => {
      test.each(kinds.flatMap(path => [`${path} light`, `${path} dark`]))(
        '/%s has no fault that axe finds',
        async kind => {
          const [path = '', colorScheme] = kind.split(' ')
          const { tab, problems } = await open(path, {
            ...screen,
            colorScheme: colorScheme === 'dark' ? 'dark' : 'light',
          })
          const { violations } = await new AxeBuilder({ page: tab }).withTags(['wcag2a', 'wcag2aa']).analyze()
          expect(
            violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html}`)),
          ).toEqual([])
          const wider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
          expect(await tab.evaluate(wider)).toBe(false)
          expect(problems).toEqual([])
          await tab.context().close()
        },
        180_000,
      )
    })

    test('is used by keyboard: skips to the content, and finds "regenerate"', async () => {
      const { tab, problems } = await open('errors', screens.desktop)
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

/** The file that a path of the site leads to. */
function fileOf(path: string): string | undefined {
  const name = decodeURI(path)
  return [name, `${name}.html`, posix.join(name, 'index.html')].find(
    each => statSync(join(dist, each), { throwIfNoEntry: false })?.isFile() === true,
  )
}
