/*
 * The API reference: one page for each entry of the package, from the TSDoc of what it exports.
 */
import manifest from '../package.json' with { type: 'json' }

/** The name of each entry's page, by the name that TypeDoc gives its source file. */
const entries = new Map(
  Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target === 'object' && 'module' in target
      ? [[target.module.slice('./dist/esm/'.length, -'.js'.length), entry === '.' ? 'main' : entry.slice(2)]]
      : [],
  ),
)

/**
 * Calls pages by their entries.
 *
 * @param {{ converter: { on(event: string, listener: (context: { project: Module }) => void): void } }} app
 * @typedef {{ name: string, children?: Module[] }} Module
 */
function nameEntries(app) {
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) {
      module.name = entries.get(module.name) ?? entries.get(`${module.name}/index`) ?? module.name
    }
  })
}

const config = {
  entryPoints: [...entries.keys()].map(name => `../src/${name}.ts`),
  tsconfig: 'typedoc.tsconfig.json',
  plugin: [nameEntries, 'typedoc-plugin-markdown'],
  out: 'api',
  router: 'module',
  skipErrorChecking: true,
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  useHTMLAnchors: true,
  anchorPrefix: 'api-',
  entryFileName: 'index.md',
  pageTitleTemplates: {
    /** @param {{ name: string }} page */
    module: ({ name }) => (name === 'main' ? manifest.name : `${manifest.name}/${name}`),
    index: () => 'API reference',
  },
  hideBreadcrumbs: true,
  hidePageHeader: true,
  // What an exported type names, and no entry exports: its members are in the tables of options.
  validation: { notExported: false, invalidLink: false },
}

export default config
