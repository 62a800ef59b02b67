/*
 * What is said of options outside of the code: tables in the documentation, and the JSON Schema. All of it is derived from the
 * rows in `src/options` and from the TSDoc of the interfaces beside them. `npm run docs:options` writes it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

import { format, resolveConfig } from 'prettier'
import {
  API,
  ObjectFlags,
  type Project,
  type Symbol as Property,
  SymbolFlags,
  type Type,
  TypeFlags,
  type TypeReference,
} from 'typescript/unstable/sync'

import { type OptionRow, variableOf } from '../src/internal/option.ts'

type Rows = Readonly<Record<string, OptionRow>>
type Schema = Record<string, unknown>

/** One option of an interface. */
export interface DocumentedOption {
  readonly name: string
  readonly row: OptionRow | undefined
  /** Its TSDoc, without tags. */
  readonly text: string
  /** What its TSDoc says of its default. */
  readonly default: string
  readonly property: Property
}

const root = fileURLToPath(new URL('..', import.meta.url))
const tsconfig = join(root, 'tsconfig.build.json')

/** `<!-- options of A, b.B: option, default, meaning -->`: the own properties of A, and those of B with `b.` in front. */
const BLOCK = /(<!-- options of ([\w., ]+): ([a-z, ]+) -->\n)[^]*?(<!-- end of options -->)/g

/** What stands in the columns of the tables. */
const columns: Readonly<Record<string, (option: DocumentedOption, folder: string) => string>> = {
  option: ({ name }) => code(name),
  default: ({ default: text }, folder) =>
    markdown(text.replace(/^('[^']*'|\d[\d.]*|true|false)(?=$|[,;]| [(efw])/, '`$1`'), folder),
  variable: ({ name, row }) => (row?.fromText === undefined ? '' : code(variableOf(name))),
  flag: ({ name, row }) => (row?.flag === undefined ? '' : flagsOf(name, row.flag).map(code).join(', ')),
  layouts: ({ row }) => (row?.layouts === undefined ? 'all' : layoutsIn(row.layouts)),
  meaning: ({ text }, folder) => markdown(firstSentence(text), folder),
  details: ({ text }, folder) => markdown(text, folder),
}

/** Reads the TSDoc of options, and writes what is derived from them. */
export class OptionDocs {
  readonly #api = new API({ cwd: root })
  readonly #project: Project = this.#open()
  readonly #rows: ReadonlyMap<string, Rows>

  /** @param rows the rows of each interface, by its name. */
  constructor(rows: Readonly<Record<string, Rows>>) {
    this.#rows = new Map(Object.entries(rows))
  }

  close(): void {
    this.#api.close()
  }

  /** The options that an interface declares itself, in its order. */
  optionsOf(interfaceName: string): readonly DocumentedOption[] {
    const symbol = this.#interfaces.get(interfaceName)
    if (symbol === undefined) throw new Error(`${interfaceName} must be exported, to be in the documentation`)
    return [...symbol.getMembers()]
      .filter(([, { flags }]) => flags & SymbolFlags.Property)
      .map(([, property]) => this.#option(property, this.#rows.get(interfaceName)))
      .sort((left, right) => indexOf(left) - indexOf(right))
  }

  /** The pages of the documentation that have tables of options, with these filled in, by their paths. */
  async pages(): Promise<readonly (readonly [file: string, page: string])[]> {
    const files = [
      'README.md',
      ...readdirSync(join(root, 'docs'), { recursive: true }).map(name => `docs/${String(name)}`),
    ]
    const pages: [string, string][] = []
    for (const file of files.filter(name => name.endsWith('.md'))) {
      const page = readFileSync(join(root, file), 'utf8')
      if (!page.includes('<!-- options of ')) continue
      const filled = page.replace(BLOCK, (_, start: string, names: string, titles: string, end: string) => {
        return `${start}\n${this.#table(names.split(', '), titles.split(', '), posix.dirname(file))}\n${end}`
      })
      pages.push([file, await formatted(filled, 'markdown')])
    }
    return pages
  }

  /** JSON Schema of an options type: the options, and the values of them, that JSON can carry. */
  async schema(interfaceName: string, title: string): Promise<string> {
    const symbol = this.#interfaces.get(interfaceName)
    if (symbol === undefined) throw new Error(`there is no interface ${interfaceName}`)
    const type = this.#project.checker.getDeclaredTypeOfSymbol(symbol)
    const schema = this.#object(type, this.#rows.get(interfaceName) ?? {})
    const dialect = { $schema: 'http://json-schema.org/draft-07/schema#', title }
    return formatted(JSON.stringify({ ...dialect, ...schema }), 'json')
  }

  #open(): Project {
    const project = this.#api.updateSnapshot({ openProjects: [tsconfig] }).getProject(tsconfig)
    if (project === undefined) throw new Error(`cannot open ${tsconfig}`)
    return project
  }

  /** Everything that a module of `src` exports, by its name. */
  readonly #interfaces: ReadonlyMap<string, Property> = new Map(
    this.#project.rootFiles.flatMap(file => {
      const { checker, program } = this.#project
      const source = program.getSourceFile(file)
      const module = source && checker.getSymbolAtLocation(source)
      if (module === undefined) return []
      return checker
        .getExportsOfModule(module)
        .map(symbol => [
          symbol.name,
          symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
        ])
    }),
  )

  #option(property: Property, rows: Rows | undefined): DocumentedOption {
    const { checker } = this.#project
    const tag = checker.getJsDocTagsOfSymbol(property).find(({ name }) => name === 'default')
    return {
      name: property.name,
      row: rows?.[property.name],
      text: plain(checker.getDocumentationCommentOfSymbol(property)),
      default: plain(tag?.text ?? ''),
      property,
    }
  }

  /** @param folder the one that links start from. */
  #table(interfaces: readonly string[], titles: readonly string[], folder: string): string {
    const rows = interfaces.flatMap(each => {
      const [, path = '', name = ''] = /^(.*?)([A-Z]\w*)$/.exec(each) ?? []
      return this.optionsOf(name).map(option =>
        titles.map(title => cell(columns[title]?.({ ...option, name: path + option.name }, folder) ?? '')),
      )
    })
    const filled = rows.filter(([first]) => first !== '')
    const heads = titles.map(title => (title === 'details' ? 'meaning' : title))
    return [heads, heads.map(() => '---'), ...filled].map(cells => `| ${cells.join(' | ')} |`).join('\n')
  }

  #object(type: Type, rows: Rows): Schema {
    const { checker } = this.#project
    const properties: Record<string, Schema> = {}
    const required: string[] = []
    const names = Object.keys(rows)
    const inOrder = [...checker.getPropertiesOfType(type)].sort(
      (left, right) => names.indexOf(left.name) - names.indexOf(right.name),
    )
    for (const property of inOrder) {
      const { row, text, default: otherwise } = this.#option(property, rows)
      const propertyType = checker.getTypeOfSymbol(property)
      const schema = propertyType && this.#value(propertyType, row)
      if (schema === undefined || propertyType === undefined) continue
      const isOptional =
        propertyType.isUnionType() && propertyType.getTypes().some(each => each.flags & TypeFlags.Undefined)
      if (!isOptional) required.push(property.name)
      properties[property.name] = {
        description: [text, otherwise && `Default: ${otherwise}`]
          .filter(Boolean)
          .join('\n\n')
          .replaceAll('`', ''),
        ...schema,
        ...(row?.default !== undefined &&
          otherwise.startsWith(literal(row.default)) && { default: row.default }),
      }
    }
    return {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    }
  }

  /** Nothing when JSON cannot carry it. */
  #value(type: Type, row: OptionRow | undefined): Schema | undefined {
    const { checker } = this.#project
    if (type.flags & TypeFlags.Boolean) return { type: 'boolean' }
    if (type.isUnionType()) return this.#union(type.getTypes(), row)
    if (type.flags & TypeFlags.String) return { type: 'string' }
    if (type.flags & TypeFlags.Number) return { type: 'number', ...boundsOf(row) }
    if (type.flags & TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' }
    if (type.isStringLiteralType()) return { const: type.value }
    if (checker.isArrayLikeType(type)) {
      const [item] = checker.getTypeArguments(type as TypeReference)
      const items = item && this.#value(item, undefined)
      return items && { type: 'array', items }
    }
    const isOurs =
      type.isObjectType() &&
      type.objectFlags & ObjectFlags.Interface &&
      this.#interfaces.has(type.getSymbol()?.name ?? '')
    if (!isOurs) return undefined
    const hasMethods = checker.getPropertiesOfType(type).some(property => property.flags & SymbolFlags.Method)
    return hasMethods ? undefined : this.#object(type, row?.members ?? {})
  }

  #union(types: readonly Type[], row: OptionRow | undefined): Schema | undefined {
    const schemas = types.flatMap((type): Schema[] => {
      const schema = this.#value(type, row)
      return schema === undefined ? [] : [schema]
    })
    const words = schemas.flatMap(schema => ('const' in schema ? [schema['const']] : []))
    const isBoolean = words.includes(true) && words.includes(false)
    const others = schemas.filter(schema => !('const' in schema))
    if (isBoolean) others.unshift({ type: 'boolean' })
    else if (words.length > 0) others.unshift(words.length === 1 ? { const: words[0] } : { enum: words })
    return others.length > 1 ? { anyOf: others } : others[0]
  }
}

function indexOf({ property }: DocumentedOption): number {
  return property.valueDeclaration?.index ?? 0
}

function flagsOf(name: string, placeholder: string): string[] {
  const flag = name.replaceAll(/[A-Z]/g, '-$&').toLowerCase()
  return placeholder === '' ? [`--${flag}`, `--no-${flag}`] : [`--${flag} <${placeholder}>`]
}

function layoutsIn(layouts: readonly string[]): string {
  return layouts.length > 2 ? 'most' : layouts.map(code).join(', ')
}

function boundsOf(row: OptionRow | undefined): Schema {
  if (row?.range === undefined) return {}
  const [minimum, maximum] = row.range
  return {
    ...(row.accepts(minimum + 0.5) ? {} : { type: 'integer' }),
    ...(row.accepts(minimum) ? { minimum } : { exclusiveMinimum: minimum }),
    ...(maximum < Number.MAX_SAFE_INTEGER && { maximum }),
  }
}

/** TSDoc without the line breaks and tags of its source; its paragraphs and lists stay. */
function plain(text: string): string {
  return text
    .replaceAll(/\{@link (\w+)[^}]*\}/g, '`$1`')
    .replaceAll(/\n(?!\n|- )(?<!\n\n)/g, ' ')
    .trim()
}

/** What comes before the first full stop, or before a list. */
export function firstSentence(text: string): string {
  return /^[^]*?(?:\.(?=\s|$)|(?=:\n))/.exec(text)?.[0] ?? text
}

/** How TSDoc writes a default. */
export function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function code(text: string): string {
  return `\`${text}\``
}

/** Text for a page in a folder, in which the pages that it names are links. */
function markdown(text: string, folder: string): string {
  return text.replaceAll(/docs\/[\w/-]+(?:\.md)?/g, page => {
    const file = page.endsWith('.md') ? page : `${page}/README.md`
    return `[${page}](${posix.relative(folder, file)})`
  })
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll(/\n+/g, '<br>')
}

async function formatted(text: string, parser: string): Promise<string> {
  return format(text, { ...(await resolveConfig(join(root, 'README.md'))), parser })
}
