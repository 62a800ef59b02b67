import { describe, expect, test } from 'vitest'

import type { Output } from '../../../src/cli/io.ts'
import { Progress } from '../../../src/cli/progress.ts'

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

  test('is taken away when the work has failed', async () => {
    const output = collecting(true)
    const progress = new Progress(output)
    await progress.show('working')
    await expect(progress.during(Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
    expect(output.written.at(-1)).toBe('\r\u001B[K')
  })
})
