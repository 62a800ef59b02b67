import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The files of a `dist` folder that a process has loaded. */
export interface LoadedFiles {
  /** Relative to the `dist` folder, sorted. */
  readonly files: readonly string[]
  /** The modules that were merged into them, sorted. */
  readonly modules: readonly string[]
}

/**
 * Finds out what a process loads of a `dist` folder, from the engine's record of the code that it has compiled.
 *
 * @param run runs the process to its end, with these variables in its environment.
 */
export async function filesLoadedBy(
  dist: string,
  run: (environment: Readonly<Record<string, string>>) => Promise<unknown>,
): Promise<LoadedFiles> {
  const coverage = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-loaded-'))
  try {
    await run({ NODE_V8_COVERAGE: coverage })
    const [report = ''] = await readdir(coverage)
    const { result } = JSON.parse(await readFile(join(coverage, report), 'utf8')) as {
      readonly result: readonly { readonly url: string }[]
    }
    const paths = result
      .filter(({ url }) => url.startsWith('file:'))
      .map(({ url }) => fileURLToPath(url))
      .filter(path => path.startsWith(dist))
    const codes = await Promise.all(paths.map(path => readFile(path, 'utf8')))
    return {
      files: paths.map(path => path.slice(dist.length + 1).replaceAll('\\', '/')).toSorted(),
      modules: codes.flatMap(modulesIn).toSorted(),
    }
  } finally {
    await rm(coverage, { recursive: true, force: true })
  }
}

/** The modules that were merged into a file: the build leaves the name of each before its code. */
export function modulesIn(code: string): string[] {
  return [...code.matchAll(/^\/\/ (\S+\.js)$/gm)].map(([, name = '']) => name)
}
