import { describe, expect, test } from 'vitest'

import { costLines, ReportFigures } from '../../../../src/cli/stats/report-figures.ts'
import { columnPlot, markup, shareBar } from '../../../../src/cli/stats/markup.ts'
import { reportPage } from '../../../../src/cli/stats/report-page.ts'

const KB = 1024
const HOUR_MS = 3_600_000
const NOW_MS = Date.UTC(2026, 0, 31, 12)

function figuresOf(live: readonly { sizeBytes: number; user?: string }[]): ReportFigures {
  const figures = new ReportFigures(NOW_MS)
  for (const { sizeBytes, user } of live) {
    figures.addLive({ sizeBytes, user, createdMs: NOW_MS - HOUR_MS, expiresMs: NOW_MS + HOUR_MS })
  }
  return figures
}

function pageOf(figures: ReportFigures, showUsers = false): string {
  return reportPage({ table: 'my-sessions', atMs: NOW_MS, rows: [], figures, showUsers })
}

describe('ReportFigures', () => {
  test('count the units that DynamoDB charges', () => {
    const figures = figuresOf([{ sizeBytes: 1024 }, { sizeBytes: 1025 }, { sizeBytes: 4097 }])
    figures.addExpired(2000, 2 * HOUR_MS)
    expect(figures.units).toEqual({
      live: 3,
      readOnce: 1 + 1 + 2,
      writeOnce: 1 + 2 + 5,
      storedBytes: 1024 + 1025 + 4097 + 300,
      expiredBytes: 2100,
      deleteExpired: 2,
    })
    expect(figures.sizes.bins().map(({ count }) => count)).toEqual([1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    expect(figures.backlog.bins()[1]).toEqual({ from: HOUR_MS, to: 6 * HOUR_MS, count: 1, sum: 2000 })
  })

  test('count sessions without a creation time apart', () => {
    const figures = new ReportFigures(NOW_MS)
    figures.addLive({ sizeBytes: 1, user: undefined, createdMs: undefined, expiresMs: NOW_MS + 1 })
    expect([figures.withoutCreation, figures.created.bins()]).toEqual([1, []])
    expect(pageOf(figures)).toContain('1 session more without a creation time.')
  })
})

describe('costLines', () => {
  test('tell what storage, reads and writes cost', () => {
    const units = {
      live: 2_000_000,
      readOnce: 3_000_000,
      writeOnce: 8_000_000,
      storedBytes: 40 * KB ** 3,
      expiredBytes: 10 * KB ** 2,
      deleteExpired: 2_000_000,
    }
    expect(costLines({ units }).map(({ amount, cost }) => [amount, cost])).toEqual([
      ['40 GB', '$10.00 a month'],
      ['10 MB', 'less than $0.01 a month'],
      ['1,500,000 units', '$0.19'],
      ['750,000 units', '$0.09'],
      ['4,000,000 units', '$2.50'],
      ['2,000,000 units', '$1.25'],
    ])
  })

  test('take the smallest session where there is none', () => {
    const lines = costLines(new ReportFigures(NOW_MS))
    expect(lines.map(({ cost }) => cost)).toEqual([
      '$0.00 a month',
      '$0.00 a month',
      '$0.13',
      '$0.06',
      '$0.63',
      '$0.00',
    ])
  })
})

describe('markup', () => {
  test('escapes all but markup', () => {
    const inner = markup`<b title="${`"'`}">${'<&>'}</b>`
    expect(markup`${inner}${[inner, markup`${1}`]}`.text).toBe(
      '<b title="&quot;&#39;">&lt;&amp;&gt;</b>'.repeat(2) + '1',
    )
  })
})

describe('the plots', () => {
  test('have columns in proportion, of which nothing but 0 is invisible', () => {
    const bars = [1000, 500, 1, 0].map(value => ({ value, title: `"${value}"` }))
    const { text } = columnPlot('<all>', bars)
    expect(
      [...text.matchAll(/ y="([^"]+)".*? height="([^"]+)"/g)].map(([, y, height]) => [y, height]),
    ).toEqual([
      ['0', '100'],
      ['50', '50'],
      ['99', '1'],
      ['100', '0'],
    ])
    expect(text).toContain('role="img"')
    expect(text).toContain('><title>&lt;all&gt;</title>')
    expect(text).toContain('<title>&quot;500&quot;</title>')
    expect(shareBar(0.125).text).toContain('<rect width="12.5" ')
  })
})

describe('the page', () => {
  test('numbers users, and names them only when asked', () => {
    const figures = figuresOf(
      ['ada@a.example', 'eve@a.example', 'ada@a.example'].map(user => ({ sizeBytes: 1, user })),
    )
    const page = pageOf(figures)
    expect(page).not.toContain('a.example')
    expect(page).toMatch(/user 1<\/th><td>2<\/td>.*66\.7 %/)
    expect(page).toMatch(/user 2<\/th><td>1<\/td>.*33\.3 %/)
    expect(page).toContain('Of 2 users.')
    expect(pageOf(figures, true)).toMatch(/<th scope="row" class="name">ada@a.example<\/th><td>2<\/td>/)
  })

  test('shortens long names and escapes what turns text around', () => {
    const figures = figuresOf([{ sizeBytes: 1, user: `\u202E${'🙂'.repeat(200)}` }])
    expect(pageOf(figures, true)).toContain(`<th scope="row" class="name">\\u{202e}${'🙂'.repeat(72)}…</th>`)
  })

  test('says when there is nothing', () => {
    const page = pageOf(new ReportFigures(NOW_MS))
    for (const text of ['None to show.', 'No session has a user ID.', 'None.']) expect(page).toContain(text)
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('says what does not fit into the plot', () => {
    const figures = new ReportFigures(NOW_MS)
    figures.addLive({ sizeBytes: 1, user: undefined, createdMs: 0, expiresMs: 1e14 })
    const page = pageOf(figures)
    expect(page).toContain('1 session earlier than the plot shows.')
    expect(page).toContain('1 session later than the plot shows.')
  })

  test('has the hours of creation and expiry, in UTC', () => {
    const page = pageOf(figuresOf([{ sizeBytes: 1 }]))
    expect(page).toContain('<title>from 2026-01-31 11:00: 1 session</title>')
    expect(page).toContain('<title>from 2026-01-31 13:00: 1 session</title>')
    expect(page).toContain('<time datetime="2026-01-31T12:00:00Z">2026-01-31 12:00</time>')
  })
})
