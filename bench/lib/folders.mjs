import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the benchmark. */
export const benchFolder = dirname(dirname(fileURLToPath(import.meta.url)))

/** Folder of the repository. */
export const repositoryFolder = dirname(benchFolder)

/** Where the contenders are installed. */
export const modulesFolder = join(benchFolder, 'node_modules')

/** Folder for what a run leaves behind but nobody commits: bundles, profiles, quick results, other versions of Node. */
export const workFolder = join(modulesFolder, '.bench')

/** Certificate authority of the stub server. */
export const caFile = join(workFolder, 'ca.pem')
