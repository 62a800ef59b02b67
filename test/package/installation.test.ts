import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, expect, it } from 'vitest'

import { root } from '../support/packed-package.ts'
import { installPackedApp, type PackedApp } from './packed-app.ts'

type Versions = Readonly<Record<string, string>>

/** What npm would install, by folder. */
type Plan = Readonly<Record<string, object>>

interface Project {
  readonly title: string
  readonly dependencies: Versions
}

const projects: readonly Project[] = [
  { title: 'Jest 30 and nothing else', dependencies: { jest: '^30.0.0' } },
  {
    title: 'the oldest majors',
    dependencies: {
      jest: '^27.0.0',
      next: '^12.0.0',
      react: '^17.0.0',
      'react-dom': '^17.0.0',
      'react-router': '^5.0.0',
      '@nestjs/core': '^8.0.0',
      '@nestjs/common': '^8.0.0',
      'reflect-metadata': '^0.1.0',
      rxjs: '^7.0.0',
      express: '^4.0.0',
      'express-session': '1.15.0',
      fastify: '^3.0.0',
      '@fastify/session': '^8.0.0',
      koa: '^1.0.0',
      'koa-session': '^5.0.0',
      'koa-generic-session': '^1.0.0',
      hono: '^3.0.0',
      unstorage: '^0.6.0',
      'better-auth': '^0.8.0',
    },
  },
  {
    title: 'the newest majors',
    dependencies: {
      jest: '^30.0.0',
      next: '^16.0.0',
      react: '^19.0.0',
      'react-dom': '^19.0.0',
      'react-router': '^8.0.0',
      '@nestjs/core': '^12.0.0',
      '@nestjs/common': '^12.0.0',
      'reflect-metadata': '^0.2.0',
      rxjs: '^7.0.0',
      express: '^5.0.0',
      'express-session': '^1.19.0',
      fastify: '^5.0.0',
      '@fastify/session': '^11.0.0',
      koa: '^3.0.0',
      'koa-session': '^7.0.0',
      'koa-generic-session': '^2.0.0',
      hono: '^4.0.0',
      'hono-sessions': '^0.8.0',
      unstorage: '^1.0.0',
      'better-auth': '^1.0.0',
    },
  },
]

/** npm takes half a minute of processor time to resolve all of them, for what the package's own manifest says, too. */
const resolved = process.env['MODE'] === 'long' ? projects : projects.slice(0, 1)

let app: PackedApp

beforeAll(async () => {
  app = await installPackedApp()
})

it('the package names no other package, which would bind each project that has any version of it', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as object
  for (const field of ['peerDependencies', 'optionalDependencies', 'bundleDependencies']) {
    expect(manifest).not.toHaveProperty(field)
  }
  expect(manifest).toMatchObject({ dependencies: {} })
})

it.each(resolved)(
  'npm adds the package to a project with $title, and changes nothing else',
  async ({ title, dependencies }) => {
    const folder = join(app.folder, title.replaceAll(' ', '-'))
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
    // The frameworks of a project may well contradict each other; what counts is what the package adds.
    const before = await plan(folder, ['--legacy-peer-deps'])
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(Object.keys(dependencies).map(name => `node_modules/${name}`)),
    )
    const { 'node_modules/dynamodb-sessions': added, ...after } = await plan(folder, [app.tarball])
    expect(added).toMatchObject({ version: '0.1.0' })
    expect({ ...after, '': {} }).toEqual({ ...before, '': {} })
  },
  300_000,
)

/** Has npm resolve the dependencies of a project anew, which downloads descriptions of packages and no package. */
async function plan(folder: string, args: readonly string[]): Promise<Plan> {
  const quiet = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await app.run('npm', ['install', '--prefix', folder, ...quiet, ...args])
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as { packages: Plan }
  return lock.packages
}

it.each([
  ['express', 'express-session'],
  ['react-router', 'react-router'],
])('./%s says what to install when there is no %s', async (entry, framework) => {
  const specifier = `dynamodb-sessions/${entry}`
  const missing = new RegExp(`Cannot find (?:module|package) '${framework}'`)
  await expect(
    app.run(process.execPath, ['--input-type=commonjs', '--eval', `require('${specifier}')`]),
  ).rejects.toThrow(missing)
  const imported = app.run(process.execPath, ['--input-type=module', '--eval', `import '${specifier}'`])
  await expect(imported).rejects.toThrow(missing)
})
