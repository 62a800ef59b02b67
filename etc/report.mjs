/*
 * `npm run api`: writes what each entry exports into `*.api.md`, from the declarations in `dist`. With `--check` it only compares,
 * and fails when a report is out of date.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

import manifest from '../package.json' with { type: 'json' }

const folder = fileURLToPath(new URL('.', import.meta.url))
const root = join(folder, '..')
const isCheck = process.argv.includes('--check')

/** The declarations of each entry, by the name of its report. */
const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'object' && 'require' in target
    ? [{ name: entry === '.' ? 'main' : entry.slice(2), types: join(root, target.require.types) }]
    : [],
)

const silent = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false }

/** @param {{ name: string, types: string }} entry */
function configOf({ name, types }) {
  const reportTempFolder = join(folder, 'temp')
  mkdirSync(reportTempFolder, { recursive: true })
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: join(folder, 'report.mjs'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'node16',
            moduleResolution: 'node16',
            target: 'es2022',
            strict: true,
            skipLibCheck: true,
            types: ['node'],
          },
          include: ['dist/**/*.d.ts'],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: folder,
        reportTempFolder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: silent },
        extractorMessageReporting: { default: silent },
        tsdocMessageReporting: { default: silent },
      },
    },
  })
}

const configs = entries.map(configOf)
const [first] = configs
if (first === undefined) throw new Error('package.json has no entries')
// One compilation for all entries.
const compilerState = CompilerState.create(first, {
  additionalEntryPoints: entries.map(({ types }) => types),
})

const outdated = configs.filter(config => {
  const { apiReportChanged } = Extractor.invoke(config, {
    compilerState,
    localBuild: !isCheck,
    messageCallback: message => (message.handled = true),
  })
  return apiReportChanged
})
for (const { reportFilePath } of outdated) {
  console.log(`${reportFilePath} ${isCheck ? 'is out of date; run "npm run api"' : 'has changed'}`)
}
process.exitCode = isCheck && outdated.length > 0 ? 1 : 0
