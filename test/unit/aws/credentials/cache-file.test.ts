import { mkdir, open, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CredentialsError } from '../../../../src/errors.ts'
import { readCacheFile, updateCacheFile } from '../../../../src/aws/credentials/cache-file.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { temporaryHome } from '../../../support/temporary-home.ts'

async function newCacheFile(text: string, name = 'token.json'): Promise<string> {
  const path = join((await temporaryHome()).directory, name)
  await writeFile(path, text, { mode: 0o644 })
  return path
}

/** One whose folder takes no temporary file: its name would be too long. */
async function unwritableCacheFile(text: string): Promise<string> {
  return newCacheFile(text, `${'n'.repeat(245)}.json`)
}

async function failureOf(path: string): Promise<CredentialsError> {
  return rejectionOf(readCacheFile(path), CredentialsError)
}

describe('readCacheFile', () => {
  it('reads the JSON object in a file', async () => {
    const path = await newCacheFile('{"a": 1}')
    expect(await readCacheFile(path)).toStrictEqual({ path, text: '{"a": 1}', content: { a: 1 } })
  })

  it('says that a file is missing', async () => {
    const path = join((await temporaryHome()).directory, 'token.json')
    const error = await failureOf(path)
    expect(error.tryNextProvider).toBe(true)
    expect(error.message).toBe(`there is no file ${path}`)
  })

  it.each([
    ['empty', ''],
    ['cut short', '{"accessToken": "s3cret'],
    ['a text', '"s3cret"'],
    ['an array', '["s3cret"]'],
    ['null', 'null'],
    ['no JSON', 's3cret'],
  ])('refuses a file that is %s, and repeats nothing of it', async (_, text) => {
    const path = await newCacheFile(text)
    const error = await failureOf(path)
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toMatch(/is not (JSON|a JSON object)/)
    expect(error.message).toContain(path)
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('s3cret')
  })

  it('refuses a folder in the place of the file', async () => {
    const path = join((await temporaryHome()).directory, 'token.json')
    await mkdir(path)
    expect((await failureOf(path)).message).toBe(`the file ${path} cannot be read (EISDIR)`)
  })

  it('takes a property __proto__ for a property like any other', async () => {
    const { content } = await readCacheFile(await newCacheFile('{"__proto__": {"polluted": true}}'))
    expect(content['polluted']).toBeUndefined()
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})

describe('updateCacheFile', () => {
  it('replaces the content, for the user alone to read, and leaves no other file behind', async () => {
    const path = await newCacheFile('{"a":1}')
    await updateCacheFile(await readCacheFile(path), { b: 2 })
    expect(JSON.parse(await readFile(path, 'utf8'))).toStrictEqual({ b: 2 })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(dirname(path))).toStrictEqual(['token.json'])
  })

  it('puts a complete file in the place of the old one, which those who have it open can read to its end', async () => {
    const path = await newCacheFile(JSON.stringify({ old: 'o'.repeat(100_000) }))
    const before = await open(path)
    try {
      await updateCacheFile(await readCacheFile(path), { new: 'n' })
      expect(JSON.parse(await before.readFile('utf8'))).toStrictEqual({ old: 'o'.repeat(100_000) })
      expect((await stat(path)).ino).not.toBe((await before.stat()).ino)
    } finally {
      await before.close()
    }
  })

  it('never lets a reader see a part of a file', async () => {
    const path = await newCacheFile('{"round":0}')
    const seen: unknown[] = []
    const writing = new AbortController()
    const reading = (async () => {
      while (!writing.signal.aborted) seen.push(JSON.parse(await readFile(path, 'utf8')))
    })()
    for (let round = 1; round <= 50; round++) {
      await updateCacheFile(await readCacheFile(path), { round, padding: 'p'.repeat(300_000) })
    }
    writing.abort()
    await reading
    expect(seen.length).toBeGreaterThan(0)
    expect(await readCacheFile(path)).toMatchObject({ content: { round: 50 } })
  })

  it('leaves a file alone that somebody has written since it was read', async () => {
    const path = await newCacheFile('{"a":1}')
    const file = await readCacheFile(path)
    await writeFile(path, '{"login":"new"}')
    await updateCacheFile(file, { b: 2 })
    expect(await readFile(path, 'utf8')).toBe('{"login":"new"}')
  })

  it('does not bring back a file that somebody has removed', async () => {
    const path = await newCacheFile('{"a":1}')
    const file = await readCacheFile(path)
    await rm(path)
    await updateCacheFile(file, { b: 2 })
    expect(await readdir(dirname(path))).toStrictEqual([])
    expect((await failureOf(path)).tryNextProvider).toBe(true)
  })

  it('writes through a symbolic link', async () => {
    const path = await newCacheFile('{"a":1}')
    const link = join(dirname(path), 'link.json')
    await symlink(path, link)
    await updateCacheFile(await readCacheFile(link), { b: 2 })
    expect(await readlink(link)).toBe(path)
    expect((await readCacheFile(path)).content).toStrictEqual({ b: 2 })
  })

  it('remembers what cannot be written, until the file says something else', async () => {
    const path = await unwritableCacheFile('{"a":1}')
    await updateCacheFile(await readCacheFile(path), { b: 2 })
    expect(await readFile(path, 'utf8')).toBe('{"a":1}')
    expect((await readCacheFile(path)).content).toStrictEqual({ b: 2 })
    await updateCacheFile(await readCacheFile(path), { c: 3 })
    expect((await readCacheFile(path)).content).toStrictEqual({ c: 3 })
    await writeFile(path, '{"login":"new"}')
    expect((await readCacheFile(path)).content).toStrictEqual({ login: 'new' })
    await writeFile(path, '{"a":1}')
    expect((await readCacheFile(path)).content).toStrictEqual({ a: 1 })
  })

  it('leaves no temporary file when the file cannot be replaced', async () => {
    const path = await unwritableCacheFile('{"a":1}')
    await updateCacheFile(await readCacheFile(path), { b: 2 })
    expect(await readdir(dirname(path))).toHaveLength(1)
  })
})
