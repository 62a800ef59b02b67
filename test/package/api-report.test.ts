import { join } from 'node:path'

import { x } from 'tinyexec'
import { expect, test } from 'vitest'

import { packedPackage, root } from '../support/packed-package.ts'
import { areInstalled } from '../support/packages.ts'

const folder = join(root, 'etc')

// `npm run api` brings the reports up to date. What they show has to be meant: users compile against it.
test.runIf(await areInstalled(folder, 'The API extractor'))(
  'the reports of the public API are up to date',
  async () => {
    await packedPackage()
    const { stdout, exitCode } = await x(process.execPath, ['etc/report.mjs', '--check'], {
      nodeOptions: { cwd: root },
    })
    expect(stdout).toBe('')
    expect(exitCode).toBe(0)
  },
  300_000,
)
