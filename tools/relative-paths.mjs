/**
 * The relative paths that a module resolves by itself, with `createRequire(import.meta.url)` or
 * `new URL(path, import.meta.url)`: its texts that look like one, besides what it imports.
 *
 * @param {string} code
 * @param {(code: string) => unknown} parse Makes the syntax tree (ESTree).
 * @returns {string[]}
 */
export function relativePathsIn(code, parse) {
  if (!code.includes('import.meta.url')) return []
  return [...new Set(textsIn(parse(code)))].filter(text => /^\.\.?\//.test(text))
}

/**
 * @param {unknown} node
 * @returns {string[]} In the order of the code.
 */
function textsIn(node) {
  if (typeof node !== 'object' || node === null) return []
  if (Array.isArray(node)) return node.flatMap(textsIn)
  if ('type' in node && node.type === 'Literal' && 'value' in node && typeof node.value === 'string') {
    return [node.value]
  }
  // The source of an import or of an import() is the business of the bundler.
  return Object.entries(node).flatMap(([name, child]) => (name === 'source' ? [] : textsIn(child)))
}
