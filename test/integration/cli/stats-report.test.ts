import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { SessionStore } from '../../../src/store/session-store.ts'
import { chromiumPath, startChromium } from '../../support/chromium.ts'
import { connectionTo, engine, uniqueTableName } from '../../support/engines.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import { type Finished, runCli, type Surroundings } from './command-line.ts'
import { engineEnvironment } from './engine-environment.ts'

interface Data {
  readonly user?: string
  readonly note?: string
}

const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 320, height: 640 }
const HOSTILE = [
  '<script>document.title = "taken"; throw new Error("run")</script>',
  `"><img src="https://example.invalid/x" onerror='document.title = "taken"'>`,
  `<style>@import url(https://example.invalid/x.css)</style>${'w'.repeat(400)}`,
]
/** Axe looks at every element; on a busy machine that takes a while. */
const SLOW_TEST_MS = 240_000

const executablePath = chromiumPath()

/** A table with sessions of two users with plain names, and of some with hostile ones. */
async function setUp(): Promise<(args: readonly string[], more?: Surroundings) => Promise<Finished>> {
  const environment = { ...engineEnvironment(engine), DYNAMODB_SESSIONS_TABLE: uniqueTableName() }
  const cli = (args: readonly string[], more: Surroundings = {}): Promise<Finished> =>
    runCli(args, { ...more, environment: { ...environment, ...more.environment } })
  const { exitCode, stderr } = await cli(['create-table', '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  const table = environment.DYNAMODB_SESSIONS_TABLE
  await using store = new SessionStore<Data>({ ...connectionTo(engine), table, userId: ({ user }) => user })
  for (const id of ['a', 'b', 'c', 'd']) await store.write(id, { user: 'ada@a.example' })
  for (const id of ['e', 'f'])
    await store.write(id, { user: 'eve@a.example', note: incompressibleText(6000) })
  for (const user of HOSTILE) await store.write(`of ${user}`, { user })
  await store.write('visitor', {}, { expiresMs: Date.now() + 48 * 3_600_000 })
  for (const id of ['x', 'y']) await store.write(id, {}, { expiresMs: 1 })
  return cli
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stats-report-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('stats --html', () => {
  test('writes a report, and to the terminal what it writes without', async () => {
    const cli = await setUp()
    const path = join(await newFolder(), 'report.html')
    const { exitCode, stdout, stderr } = await cli(['stats', '--html', path])
    expect([exitCode, stderr]).toEqual([0, `report written to ${path}\n`])
    expect(stdout).toMatch(/^sessions +10 sessions, /m)
    const page = await readFile(path, 'utf8')
    const text = page.replaceAll(/<style>[^]*?<\/style>|<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
    expect(text).toContain(`sessions 10 sessions, `)
    expect(text).toMatch(
      /up to 1 KB 7 \S+ KB 70\.0 % up to 2 KB 1 \S+ KB 10\.0 % up to 4 KB 0 0 bytes 0\.0 %/,
    )
    expect(text).toMatch(/up to 8 KB 2 \S+ KB 20\.0 %/)
    expect(text).toContain('Of 5 users.')
    expect(text).toMatch(/user 1 4 40\.0 % user 2 2 20\.0 % user 3 1 10\.0 %/)
    expect(text).toMatch(/up to 1h 2 \d+ bytes 100\.0 %/)
    expect(text).toContain('A million reads 1,200,000 units $0.15')
    expect(page).not.toMatch(/a\.example|<script|https?:/)
    const json = await cli(['stats', '--json', '--html', path])
    expect(JSON.parse(json.stdout)).toMatchObject({ live: 10 })
  })

  test('shows how far it has come', async () => {
    const cli = await setUp()
    const path = join(await newFolder(), 'report.html')
    const { stderr } = await cli(['stats', '--html', path], { isTerminal: true })
    expect(stderr).toMatch(/items read/)
    expect(stderr.endsWith(`report written to ${path}\n`)).toBe(true)
  })

  test('replaces an earlier report as a whole, behind a link, too, and leaves nothing else', async () => {
    const cli = await setUp()
    const folder = await newFolder()
    const [path, link] = [join(folder, 'report.html'), join(folder, 'latest.HTML')]
    await writeFile(path, 'earlier')
    await symlink(path, link)
    expect((await cli(['stats', '--html', link])).exitCode).toBe(0)
    expect(await readFile(path, 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
    expect(
      (await readdir(folder, { withFileTypes: true })).map(entry => [entry.name, entry.isFile()]),
    ).toEqual(
      expect.arrayContaining([
        ['report.html', true],
        ['latest.HTML', false],
      ]),
    )
    expect(await readdir(folder)).toHaveLength(2)
  })

  test('refuses what no report belongs to before it reads the table', async () => {
    const folder = await newFolder()
    const directory = join(folder, 'pages.html')
    const source = join(folder, 'index.ts')
    await mkdir(directory)
    await writeFile(source, 'precious')
    const unreachable = {
      environment: { ...engineEnvironment(engine), AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:1' },
    }
    for (const [args, message] of [
      [['--html', folder], 'is a directory; name a file in it'],
      [['--html', directory], 'is a directory; name a file in it'],
      [['--html', source], 'must be a file whose name ends in .html'],
      [['--html', join(folder, 'none', 'report.html')], 'cannot be written: ENOENT'],
      [['--html', join(source, 'report.html')], 'cannot be written: '],
      [['--show-data'], '--show-data goes with --html'],
    ] as const) {
      const { exitCode, stdout, stderr } = await runCli(['stats', ...args], unreachable)
      expect([exitCode, stdout]).toEqual([2, ''])
      expect(stderr).toContain(message)
    }
    expect(await readFile(source, 'utf8')).toBe('precious')
    expect(await readdir(directory)).toEqual([])
  })

  test('leaves an earlier report alone when the table cannot be read', async () => {
    const path = join(await newFolder(), 'report.html')
    await writeFile(path, 'earlier')
    const { exitCode } = await runCli(['stats', '--table', uniqueTableName(), '--html', path], {
      environment: engineEnvironment(engine),
    })
    expect(exitCode).toBe(1)
    expect(await readFile(path, 'utf8')).toBe('earlier')
  })
})

describe.runIf(executablePath !== undefined)('the report, in Chromium', () => {
  let chromium: Browser

  beforeAll(async () => {
    chromium = await startChromium(executablePath ?? '')
  })

  afterAll(async () => {
    await chromium?.close()
  })

  test.each([
    ['a desktop in the dark', DESKTOP, 'dark', 'rgb(13, 17, 23)'],
    ['a phone', PHONE, 'light', 'rgb(255, 255, 255)'],
  ] as const)(
    'shows its plots on %s, runs nothing that a user is called, and asks for nothing',
    async (_, viewport, colorScheme, background) => {
      const cli = await setUp()
      const path = join(await newFolder(), 'report.html')
      expect((await cli(['stats', '--html', path, '--show-data'])).exitCode).toBe(0)
      const context = await chromium.newContext({ viewport, colorScheme })
      onTestFinished(async () => context.close())
      const page = await context.newPage()
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('pageerror', error => complaints.push(error.message))
      page.on('request', request => requests.push(request.url()))
      const { href } = pathToFileURL(path)
      await page.goto(href)

      await page.screenshot({ path: `/tmp/shot-${viewport.width}.png`, fullPage: true })
      await page.screenshot({ path: `/tmp/shot-${viewport.width}.png`, fullPage: true })
      expect(await page.title()).toMatch(/^Sessions in /)
      const columns = page.locator('svg.columns')
      expect(await columns.count()).toBe(2)
      for (const plot of await columns.all()) {
        expect((await plot.boundingBox())?.width).toBeGreaterThan(250)
        expect(await plot.locator('rect').count()).toBeGreaterThan(0)
      }
      await page.getByRole('img', { name: /^Sessions created, from / }).waitFor()
      await page.getByRole('img', { name: /^Sessions expiring, from / }).waitFor()
      expect(await page.locator('svg.share').count()).toBe(10 + 5 + 7)
      const names = await page
        .locator('section', { hasText: 'Users with most' })
        .locator('tbody th')
        .allTextContents()
      expect(names.slice(0, 2)).toEqual(['ada@a.example', 'eve@a.example'])
      expect(names.toSorted().slice(0, 3)).toEqual(HOSTILE.map(shortened).toSorted())
      expect(await page.locator('script, img, main style').count()).toBe(0)

      await page.locator('summary').first().click()
      await page.locator('summary').last().click()
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(background)
      const width = 'document.documentElement.scrollWidth'
      expect(await page.evaluate<number>(width)).toBeLessThanOrEqual(viewport.width)
      expect([complaints, requests.filter(url => !url.startsWith('data:'))]).toEqual([[], [href]])
    },
    SLOW_TEST_MS,
  )
})

function shortened(name: string): string {
  return name.length <= 80 ? name : `${name.slice(0, 80)}…`
}
