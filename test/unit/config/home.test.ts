import { homedir } from 'node:os'
import { parse, sep } from 'node:path'
import { expect, test } from 'vitest'

import type { Environment } from '../../../src/config/environment.ts'
import { homeDirectory } from '../../../src/config/home.ts'
import { asOrdinaryUser } from '../../support/ordinary-user.ts'

test.each<[Environment, string]>([
  [{ HOME: '/h', USERPROFILE: 'p', HOMEDRIVE: 'D:', HOMEPATH: '\\x' }, '/h'],
  [{ HOME: '', USERPROFILE: 'p', HOMEPATH: '\\x' }, 'p'],
  [{ HOMEDRIVE: 'D:', HOMEPATH: '\\x' }, 'D:\\x'],
  [{ HOMEPATH: 'x' }, `C:${sep}x`],
  [{ HOMEDRIVE: 'D:' }, homedir()],
  [{}, homedir()],
])('%j', (environment, home) => {
  expect(homeDirectory(environment)).toBe(home)
})

test.skipIf(process.geteuid?.() !== 0)(
  'a user that the system does not know lives in the root directory',
  async () => {
    const home = process.env['HOME']
    delete process.env['HOME']
    try {
      await asOrdinaryUser(() => {
        expect(() => homedir()).toThrow('ENOENT')
        expect(homeDirectory({})).toBe(parse(process.cwd()).root)
      })
    } finally {
      if (home !== undefined) process.env['HOME'] = home
    }
  },
)
