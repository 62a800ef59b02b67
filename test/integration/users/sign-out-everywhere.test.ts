import { describe, expect, test } from 'vitest'

import { engine } from '../../support/engines.ts'
import type { StubEndpoint } from '../../support/stub-endpoint.ts'
import { startShop, Visitor } from './shop.ts'
import { UserTable } from './user-table.ts'

const REQUESTS_IN_FLIGHT = 5

/** What the page of somebody who is not signed in has. */
const signInForm = '<form class="sign-in"'

describe('the example shop', () => {
  test('"sign out everywhere" holds against requests in flight, in every process (G3)', async () => {
    const table = await UserTable.create(engine)
    const line = await HeldLine.open(table)
    const [one, two] = await Promise.all([
      startShop(table.name, line.endpoint),
      startShop(table.name, line.endpoint),
    ])
    const ada = await Visitor.signedIn(one, 'Ada')
    const adaElsewhere = await Visitor.signedIn(two, 'Ada')
    const ben = await Visitor.signedIn(two, 'Ben')
    expect(await adaElsewhere.look()).toContain('Hello, Ada')

    line.holdSaves()
    const slow = Array.from({ length: REQUESTS_IN_FLIGHT }, () =>
      adaElsewhere.post('/cart/add', { product: 'mug' }),
    )
    slow.push(ada.post('/cart/add', { product: 'mug' }))
    await expect.poll(() => line.heldCount).toBe(slow.length)
    expect(await ada.post('/sign-out-everywhere', { keep: 'none' })).toMatchObject({ status: 303 })
    expect(await table.itemCount()).toBe(1)
    line.release()
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(slow.map(() => 303))

    expect(await table.itemCount()).toBe(1)
    for (const visitor of [ada, adaElsewhere]) expect(await visitor.look()).toContain(signInForm)
    expect(await ben.look()).toContain('Hello, Ben')
  })

  test('"sign out everywhere else" keeps the session at hand', async () => {
    const table = await UserTable.create(engine)
    const shop = await startShop(table.name, engine.endpoint)
    const ada = await Visitor.signedIn(shop, 'Ada')
    const others = [await Visitor.signedIn(shop, 'Ada'), await Visitor.signedIn(shop, 'Ada')]
    expect(await ada.post('/sign-out-everywhere', { keep: 'this' })).toMatchObject({ status: 303 })
    const page = await ada.look()
    expect(page).toContain('Hello, Ada')
    expect(page).toContain('Ada was signed out of 2 other sessions')
    for (const other of others) expect(await other.look()).toContain(signInForm)
  })

  test('somebody who is not signed in signs nobody out', async () => {
    const table = await UserTable.create(engine)
    const shop = await startShop(table.name, engine.endpoint)
    const ada = await Visitor.signedIn(shop, 'Ada')
    const stranger = new Visitor(shop)
    await stranger.post('/sign-out-everywhere', { keep: 'none' })
    await stranger.post('/cart/add', { product: 'mug' })
    await stranger.post('/sign-out-everywhere', { keep: 'this' })
    expect(await ada.look()).toContain('Hello, Ada')
  })

  test('a table without the index is a page that says what to do, and signing out still works', async () => {
    const table = await UserTable.create(engine, { userIndex: false })
    const shop = await startShop(table.name, engine.endpoint)
    const ada = await Visitor.signedIn(shop, 'Ada')
    const page = await ada.post('/sign-out-everywhere')
    expect(page.status).toBe(503)
    expect(page.text).toMatch(/TABLE_MISMATCH.*aws dynamodb update-table/s)
    expect(page.text).toContain('What to do')
    expect(await ada.look()).toContain('Hello, Ada')
    await ada.post('/sign-out')
    expect(await ada.look()).toContain(signInForm)
  })
})

/** The way to an engine, on which saves can be held up, however they are written. */
class HeldLine {
  heldCount = 0
  #holdsSaves = false
  #released: Promise<void> = Promise.resolve()
  #release: () => void = () => undefined
  #stub: StubEndpoint | undefined

  static async open(table: UserTable): Promise<HeldLine> {
    const line = new HeldLine()
    line.#stub = await table.between(async ({ operation }, passOn) => {
      if (line.#holdsSaves && (operation === 'UpdateItem' || operation === 'PutItem')) {
        line.heldCount++
        await line.#released
      }
      return passOn()
    })
    return line
  }

  get endpoint(): string {
    return this.#stub?.url ?? ''
  }

  holdSaves(): void {
    this.#holdsSaves = true
    this.#released = new Promise(resolve => {
      this.#release = resolve
    })
  }

  release(): void {
    this.#holdsSaves = false
    this.#release()
  }
}
