import { readFile } from 'node:fs/promises'

import type { ReplicaDesign } from '../table/replicas.ts'
import type { LayoutTable } from '../table/table-state.ts'
import type { Billing } from '../table/table-state.ts'
import { UsageError } from './output.ts'

/** The table that is asked for; no index by user where none is wanted. */
export interface TableDesign extends LayoutTable {
  readonly table: string
  readonly region: string | undefined
  readonly billing: Billing
  readonly replicas?: ReplicaDesign | undefined
}

interface Template {
  /** A file in `examples/infrastructure`. */
  readonly file: string
  /** A literal for a name that may hold any character. */
  readonly quote: (name: string) => string
}

/** A form of infrastructure code. */
type InfrastructureFormat = 'cloudformation' | 'terraform' | 'cdk' | 'cli'

const TEMPLATES: Readonly<Record<InfrastructureFormat, Template>> = {
  cloudformation: { file: 'sessions.yaml', quote: quoted },
  terraform: {
    file: 'sessions.tf',
    // `${` and `%{` would begin a template.
    quote: name => quoted(name).replaceAll(/[$%]\{/g, match => `${match[0]}${match}`),
  },
  cdk: { file: 'session-table.ts', quote: quoted },
  cli: {
    file: 'create-table.sh',
    // JSON in single quotation marks.
    quote: name => quoted(name).replaceAll("'", String.raw`'\''`),
  },
}

/** The forms of infrastructure code that there are. */
export const INFRASTRUCTURE_FORMATS = Object.keys(TEMPLATES) as readonly InfrastructureFormat[]

/** IAM permits 128 characters. */
const LONGEST_TABLE_IN_POLICY_NAME = 113

/**
 * A table and the policy for it as infrastructure code: an example with the names filled in.
 *
 * @throws {UsageError} when the table is named by an ARN.
 */
export async function infrastructureCode(format: InfrastructureFormat, design: TableDesign): Promise<string> {
  const { table, region, partitionKey, ttlAttribute, billing } = design
  // Table and region stand in the code without quotation marks, too.
  if (!/^[\w.-]+$/.test(table)) {
    throw new UsageError('--print needs the name of a table that is to be created, not an ARN')
  }
  if (design.replicas !== undefined && billing !== 'on-demand') {
    throw new UsageError(
      '--replicas need --billing on-demand: with provisioned capacity DynamoDB asks for auto scaling first',
    )
  }
  const { file, quote } = TEMPLATES[format]
  const template = await readFile(new URL(`../../examples/infrastructure/${file}`, import.meta.url), 'utf8')
  const fillings: Readonly<Record<string, string>> = {
    '"id"': quote(partitionKey),
    '"expires"': quote(ttlAttribute ?? ''),
    'my-sessions': table,
    'my-sessions-session-access': `${table.slice(0, LONGEST_TABLE_IN_POLICY_NAME)}-session-access`,
    'eu-west-1': region ?? '',
    'us-east-2': design.replicas?.witness ?? '',
    ...Object.fromEntries(design.replicas?.regions.map((name, index) => [`{replica ${index}}`, name]) ?? []),
  }
  const wanted = wantedLines(forEachReplica(template, design), new Set(sectionsOf(design)))
  const code = wanted.replaceAll(
    /"id"|"expires"|my-sessions(?:-session-access)?|eu-west-1|us-east-2|\{replica \d+\}/g,
    example => fillings[example] ?? example,
  )
  if (billing === 'on-demand') return code
  return code
    .replaceAll(/(read_?capacity(?:units)?"?\s*[:=]\s*)5\b/gi, `$1${billing.readCapacityUnits}`)
    .replaceAll(/(write_?capacity(?:units)?"?\s*[:=]\s*)5\b/gi, `$1${billing.writeCapacityUnits}`)
}

/** A literal of JSON, which is one of YAML and TypeScript, too. */
function quoted(name: string): string {
  return JSON.stringify(name)
}

/** A section for a replica, once for each of them, with a mark for its name. */
function forEachReplica(template: string, { replicas }: TableDesign): string {
  return template.replaceAll(
    /^[ \t]*(?:#|\/\/) \[each replica\]\n([^]*?)^[ \t]*(?:#|\/\/) \[end\]\n/gm,
    (_all, section) =>
      (replicas?.regions ?? [])
        .map((_region, index) => String(section).replaceAll('us-west-2', `{replica ${index}}`))
        .join(''),
  )
}

function sectionsOf({ region, billing, ttlAttribute, userIndex, replicas }: TableDesign): readonly string[] {
  return [
    ...(region === undefined ? [] : ['region']),
    billing === 'on-demand' ? 'on-demand' : 'provisioned',
    ttlAttribute === undefined || replicas?.consistency === 'strong' ? 'no time to live' : 'time to live',
    replicas === undefined ? 'no replicas' : 'replicas',
    ...(replicas === undefined ? [] : [`${replicas.consistency} consistency`]),
    ...(replicas?.witness === undefined ? [] : ['witness']),
    userIndex === undefined ? 'no user index' : 'user index',
  ]
}

/** The lines of a template that are in no section, or in those that are wanted, without the marks. */
function wantedLines(template: string, sections: ReadonlySet<string>): string {
  const lines: string[] = []
  const within: boolean[] = []
  for (const line of template.split('\n')) {
    const mark = /^\s*(?:#|\/\/) \[(.+)\]$/.exec(line)?.[1]
    if (mark === 'end') within.pop()
    else if (mark !== undefined) within.push(sections.has(mark))
    else if (within.every(Boolean)) lines.push(line.replace(/^(\s*)(?:#|\/\/)~ ?/, '$1').trimEnd())
  }
  return lines.join('\n')
}
