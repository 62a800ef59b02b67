import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { root } from '../support/packed-package.ts'
import { addFrameworks, installPackedApp, type PackedApp } from './packed-app.ts'
import { TypeChecker } from './type-checker.ts'

interface Example {
  readonly title: string
  readonly language: string
  readonly code: string
}

const examples: readonly Example[] = [
  ...(await examplesOf('README.md')),
  ...(await examplesOf('docs/frameworks/websockets.md')),
  ...(await examplesOfSources()),
]
let app: PackedApp
let checker: TypeChecker

beforeAll(async () => {
  app = await installPackedApp()
  await addFrameworks(app)
  checker = new TypeChecker(app)
})

afterAll(async () => {
  await checker[Symbol.asyncDispose]()
})

describe('the examples in the documents', () => {
  it('are found', () => {
    expect(examples.filter(({ language }) => language === 'js').length).toBeGreaterThanOrEqual(2)
    expect(examples.filter(({ language }) => language === 'ts').length).toBeGreaterThanOrEqual(3)
  })

  it.each(examples)('are what a user can copy: $title', async ({ title, language, code }) => {
    const file = `${title.replaceAll(/\W/g, '-')}.${language === 'ts' ? 'mts' : 'mjs'}`
    await writeFile(join(app.folder, file), code)
    const faults =
      language === 'ts'
        ? checker.check([file]).then(({ messages }) => messages.join('\n'))
        : app.run(process.execPath, ['--check', file]).then(({ stdout }) => stdout)
    await expect(faults).resolves.toBe('')
  })
})

async function examplesOfSources(): Promise<Example[]> {
  const files = await readdir(join(root, 'src'), { recursive: true })
  const found = await Promise.all(
    files.filter(file => file.endsWith('.ts')).map(file => examplesOf(join('src', file))),
  )
  return found.flat()
}

/** The blocks of code in a document, or in the comments of a source file. */
async function examplesOf(file: string): Promise<Example[]> {
  const text = await readFile(join(root, file), 'utf8')
  const plain = file.endsWith('.ts') ? text.replaceAll(/^ *\* ?/gm, '') : text
  return [...plain.matchAll(/^```(ts|js)\n(.*?)^```$/gms)].map(([, language = '', code = ''], index) => ({
    title: `${file} ${index + 1}`,
    language,
    code,
  }))
}
