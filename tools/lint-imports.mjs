/*
 * The lint rules for the imports of `src`, types included: they point down, and few folders may touch the machine.
 */
import { posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** From top to bottom. A folder imports what stands below its line; those of one line do not know each other. */
const layers = [
  ['index.ts', 'register', 'cli'],
  ['adapters'],
  ['table', 'key-values'],
  ['store'],
  ['migration'],
  ['scan', 'locks'],
  ['items'],
  ['options'],
  ['layouts'],
  ['encryption'],
  ['aws/dynamodb', 'aws/credentials'],
  ['aws/config'],
  ['aws/http', 'aws/sigv4'],
  ['internal', 'diagnostics.ts', 'errors.ts', 'types.ts'],
]

/** Who may read files and start processes: what looks for credentials and settings, and what is not the library. */
const touchesTheMachine = new Set(['cli', 'register', 'aws/credentials', 'aws/config'])
const machineModule = /^node:(?:fs|child_process|os)(?:\/|$)/

/** The lowest line is of one piece, and so is a folder: what is in it may import each other. */
const lowest = layers.length - 1

export default {
  meta: { name: 'imports' },
  rules: {
    'point-down': rule((from, specifier) => {
      if (!specifier.startsWith('.')) return undefined
      const [here, there] = [placeOf(from), placeOf(posix.join(posix.dirname(from), specifier))]
      const [hereLine, thereLine] = [lineOf(here), lineOf(there)]
      if (here === there || thereLine > hereLine || hereLine === lowest) return undefined
      return `${here} may import only what stands below it in tools/lint-imports.mjs; ${there} does not`
    }),
    machine: rule((from, specifier) =>
      machineModule.test(specifier) && !touchesTheMachine.has(placeOf(from))
        ? `${specifier} belongs under ${[...touchesTheMachine].join(', ')}`
        : undefined,
    ),
  },
}

/**
 * A rule on every import, export and `import()` of a module in `src`.
 *
 * @param {(from: string, specifier: string) => string | undefined} objectionTo The module that imports, as a path in `src`.
 */
function rule(objectionTo) {
  return {
    /** @param {{ filename: string, report: (problem: { node: object, message: string }) => void }} context */
    create(context) {
      const from = relative(source, context.filename).replaceAll(sep, '/')
      /** @param {{ source?: { value?: unknown } | null }} node */
      function check(node) {
        const specifier = node.source?.value
        const message = typeof specifier === 'string' ? objectionTo(from, specifier) : undefined
        if (message !== undefined) context.report({ node, message })
      }
      return {
        ImportDeclaration: check,
        ImportExpression: check,
        ExportAllDeclaration: check,
        ExportNamedDeclaration: check,
        TSImportType: check,
      }
    },
  }
}

/**
 * @param {string} path Of a module, in `src`.
 * @returns {string} Its folder, or a module that lies in none.
 */
function placeOf(path) {
  const [first = '', second = ''] = path.split('/')
  return first === 'aws' ? `aws/${second}` : first
}

/**
 * @param {string} place
 * @returns {number}
 */
function lineOf(place) {
  const line = layers.findIndex(places => places.includes(place))
  if (line === -1) throw new Error(`${place} has no line in tools/lint-imports.mjs`)
  return line
}
