import { describe, expect, test } from 'vitest'

import { createTableCommand } from '../../../src/aws/dynamodb/wire-error.ts'
import { aboutTable, inOptionNames } from '../../../src/cli/args.ts'
import {
  byteSize,
  counted,
  duration,
  fields,
  isoTime,
  type Output,
  printable,
  Progress,
  widthOf,
} from '../../../src/cli/output.ts'

describe('printable', () => {
  test('leaves text and line breaks alone', () => {
    expect(printable('Zoë\n→ 12 €')).toBe('Zoë\n→ 12 €')
  })

  test('spells out what a terminal would act on', () => {
    expect(printable('\u001B[2J\r\u009B1m\u202Eabc\u2028')).toBe(
      '\\u{1b}[2J\\u{d}\\u{9b}1m\\u{202e}abc\\u{2028}',
    )
  })
})

describe('numbers in words', () => {
  test.each([
    [0, '0 ms'],
    [400, '400 ms'],
    [1000, '1s'],
    [61_000, '1m 1s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
    [-5000, '5s'],
  ])('duration of %d', (ms, words) => {
    expect(duration(ms)).toBe(words)
  })

  test.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1536, '1.5 KB'],
    [409_600, '400 KB'],
    [5 * 1024 ** 4 * 1024, '5120 TB'],
  ])('byteSize of %d', (bytes, words) => {
    expect(byteSize(bytes)).toBe(words)
  })

  test('moments are in UTC, to the second', () => {
    expect(isoTime(Date.UTC(2026, 0, 31, 12, 0, 0, 999))).toBe('2026-01-31T12:00:00Z')
    expect(isoTime(Infinity)).toBe('never')
    expect(isoTime(8.64e15 + 1)).toBe('never')
  })

  test('a count names what it counts, in the singular or the plural', () => {
    expect([counted(0, 'item'), counted(1, 'item'), counted(1234, 'item')]).toEqual([
      '0 items',
      '1 item',
      '1,234 items',
    ])
  })

  test.each([
    [{ isTTY: true, columns: 72 }, 72],
    [{ isTTY: true, columns: 0 }, 100],
    [{ isTTY: true }, 100],
    [{ columns: 72 }, 100],
  ])('the width of %j is %i', (stream, width) => {
    expect(widthOf(stream)).toBe(width)
  })

  test('fields are in columns', () => {
    expect(
      fields([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('a     1\nlong  2')
  })
})

function collecting(isTerminal: boolean, columns = 40): Output & { readonly written: string[] } {
  const written: string[] = []
  return {
    written,
    isTerminal,
    columns,
    write: async text => {
      written.push(text)
    },
  }
}

describe('Progress', () => {
  test('writes nothing where nobody is looking', async () => {
    const output = collecting(false)
    const progress = new Progress(output)
    await progress.show('1 item')
    await progress.clear()
    expect(output.written).toEqual([])
  })

  test('writes over one line, and takes it away once', async () => {
    const output = collecting(true)
    const progress = new Progress(output)
    await progress.show('1 item')
    await progress.clear()
    await progress.clear()
    expect(output.written).toEqual(['\r\u001B[K1 item', '\r\u001B[K'])
  })

  test('does not write faster than anybody can read', async () => {
    const output = collecting(true)
    const progress = new Progress(output)
    for (let count = 0; count < 1000; count++) await progress.show(`${count} items`)
    expect(output.written.length).toBeLessThan(1000)
    expect(output.written[0]).toContain('0 items')
  })

  test('does not write more than a line holds', async () => {
    const output = collecting(true, 20)
    await new Progress(output).show('x'.repeat(500))
    expect(output.written).toEqual([`\r\u001B[K${'x'.repeat(19)}`])
  })
})

describe('a message about an option', () => {
  test.each([
    ['the option "table" must be', '--table must be'],
    ['set the option "partitionKey"', 'set --partition-key'],
    // What has no flag can only come from the environment.
    ['the option "sessionName" must be', 'DYNAMODB_SESSIONS_SESSION_NAME must be'],
    ['the option "migrateFrom" must be', 'DYNAMODB_SESSIONS_MIGRATE_FROM must be'],
    ['set the option "userIndex" to false', 'give --no-user-index'],
    ['or AWS_PROFILE, or pass the option "credentials"', 'or AWS_PROFILE, or give --profile'],
    ['the option "replicas" must be', '--replicas must be'],
    ['or the layout that uses it in "layout"', 'or the layout that uses it in --layout'],
    // What only code can give has neither.
    ['the option "credentials" expired', 'the option "credentials" of the store expired'],
  ])('%s', (message, shown) => {
    expect(inOptionNames(message)).toBe(shown)
  })

  test('names the source of a migration by its flag', () => {
    expect(inOptionNames('the option "migrateFrom" must be', 'migrate')).toBe('--from must be')
  })
})

test('commands of the AWS CLI in a message are told what that cannot know', () => {
  const message = 'change it: aws dynamodb update-table --table-name sessions --billing-mode PAY_PER_REQUEST'
  expect(aboutTable(message, {})).toBe(message)
  expect(
    aboutTable(message, { region: 'eu-west-1', endpoint: 'http://127.0.0.1:8000', profile: "Ada's" }),
  ).toBe(
    'change it: aws dynamodb update-table --region eu-west-1 --endpoint-url http://127.0.0.1:8000 ' +
      String.raw`--profile 'Ada'\''s' --table-name sessions --billing-mode PAY_PER_REQUEST`,
  )
})

test('commands of this package in a message are told where the table is', () => {
  const where = { region: 'eu-west-1', endpoint: 'http://127.0.0.1:8000' }
  expect(aboutTable('npx dynamodb-sessions gc --table x', where)).toBe(
    'npx dynamodb-sessions gc --region eu-west-1 --endpoint http://127.0.0.1:8000 --table x',
  )
  const create = 'npx dynamodb-sessions create-table --table x --region eu-west-1'
  expect(aboutTable(create, where)).toBe(create)
})

test('the command that creates a table names the profile', () => {
  const place = { table: 'sessions', region: 'eu-west-1', origin: 'https://dynamodb.eu-west-1.amazonaws.com' }
  const command = 'npx dynamodb-sessions create-table --table sessions --region eu-west-1'
  expect(createTableCommand(place)).toBe(command)
  expect(createTableCommand(place, { profile: 'staging' })).toBe(`${command} --profile staging`)
})
