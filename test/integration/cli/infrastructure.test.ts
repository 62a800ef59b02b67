import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { transform } from 'esbuild'
import { describe, expect, onTestFinished, test } from 'vitest'

import {
  INFRASTRUCTURE_FORMATS,
  infrastructureCode,
  type TableDesign,
} from '../../../src/cli/infrastructure.ts'
import { openLayoutTable } from '../../../src/table/table-state.ts'
import { checkTable } from '../../../src/table/check-table.ts'
import { connectionTo, engines, uniqueTableName } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { runCli } from './command-line.ts'

const provisioned = { readCapacityUnits: 7, writeCapacityUnits: 3 }

const native = await openLayoutTable({})

function designOf(changes: Partial<TableDesign> = {}): TableDesign {
  return { ...native, table: 'my-sessions', region: undefined, billing: 'on-demand', ...changes }
}

describe.each(INFRASTRUCTURE_FORMATS)('as %s', name => {
  const print = (design: TableDesign): Promise<string> => infrastructureCode(name, design)

  test('is what the command prints, without asking AWS', async () => {
    const { exitCode, stdout, stderr } = await runCli([
      'create-table',
      '--print',
      name,
      '--table',
      'my-sessions',
    ])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toBe(await print(designOf()))
    const asJson = await runCli(['create-table', '--print', name, '--table', 'my-sessions', '--json'])
    expect(JSON.parse(asJson.stdout)).toEqual({ format: name, code: stdout })
  })

  test('has the table, its time to live and its index', async () => {
    const code = await print(designOf())
    for (const word of [
      'my-sessions',
      'expires',
      'user-index',
      'expiresMs',
      'created',
      'PAY_PER_REQUEST',
      'INCLUDE',
    ]) {
      expect(code).toContain(word)
    }
    expect(code).not.toMatch(/PROVISIONED|[cC]apacity/)
  })

  test('permits what the application needs, and no more', async () => {
    const code = await print(designOf())
    const permitted = code
      .split('\n')
      .filter(line => !/^\s*(?:#|\/\/)/.test(line))
      .join('\n')
      .match(/dynamodb:\w+/g)
    expect(permitted).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:Query',
    ])
    expect(code).toContain('/index/user-index')
    expect(code).not.toContain('dynamodb:*')
    expect(code).not.toMatch(/Resource"?: ?\\?"\*/)
  })

  test('leaves the index out when it is not wanted, and the permission for it', async () => {
    const code = await print(designOf({ userIndex: undefined }))
    expect(code).not.toMatch(/index|Query|ProjectionType|"user"/)
  })

  test('has provisioned capacity for the table and the index', async () => {
    const code = await print(designOf({ billing: provisioned }))
    expect(code).toContain('PROVISIONED')
    expect(code.match(/\b7\b/g)).toHaveLength(2)
    expect(code.match(/\b3\b/g)).toHaveLength(2)
  })

  test.each([
    ['connect-dynamodb', 'id', 'expires'],
    ['dynamodb-store', 'sessionId', 'expires'],
    ['serverless-dynamodb-session-store', 'sessionId', 'expireTime_TTL'],
    ['architect', '_idx', '_ttl'],
    ['aws-ruby', 'session_id', 'expire_at'],
    ['php', 'id', 'expires'],
  ] as const)('has the key and the time to live of the layout %s', async (layout, key, ttl) => {
    const { stdout } = await runCli(['create-table', '--print', name, '--layout', layout])
    expect(stdout).toMatch(new RegExp(`['"]${key}['"]`))
    expect(stdout).toMatch(new RegExp(`(?:AttributeName|attribute_name|timeToLiveAttribute)\\W+${ttl}\\b`))
    expect(stdout).not.toContain('user-index')
    const named = await runCli(['create-table', '--print', name, '--layout', layout, '--partition-key', 'pk'])
    expect(named.stdout).toMatch(/['"]pk['"]/)
    expect(named.stdout).not.toContain(`"${key}"`)
  })

  test.each(['adonis', 'connect-dynamodb-session'])('has no time to live for %s', async layout => {
    const { stdout } = await runCli(['create-table', '--print', name, '--layout', layout])
    expect(stdout).toContain('dynamodb-sessions gc deletes')
    expect(stdout).not.toMatch(/TimeToLiveSpecification|update-time-to-live|timeToLiveAttribute|ttl \{/)
  })

  test('has replicas, each once and with its own name', async () => {
    const words = ['--region', 'us-east-1', '--replicas', 'us-west-2,us-east-2,eu-west-1']
    const { exitCode, stdout, stderr } = await runCli(['create-table', '--print', name, ...words])
    expect([exitCode, stderr]).toEqual([0, ''])
    const code = withoutComments(stdout)
    for (const region of ['us-west-2', 'us-east-2', 'eu-west-1']) expect(code).toContain(region)
    expect(code).not.toMatch(/STRONG|[wW]itness/)
    expect(code).toMatch(/TimeToLiveSpecification|update-time-to-live|timeToLiveAttribute|ttl \{/)
    // What the application may do, it may do in every region.
    expect(code).toMatch(/dynamodb:\*:|region: '\*'/)
    expect(stdout).not.toMatch(/\[(?:end|replicas|each replica)\]|\{replica/)
  })

  test('has replicas with strong consistency and a witness', async () => {
    const words = ['--replicas', 'us-west-2', '--consistency', 'strong', '--witness', 'us-east-1']
    const { stdout } = await runCli(['create-table', '--print', name, ...words])
    const code = withoutComments(stdout)
    expect(code).toContain('STRONG')
    expect(code).toMatch(/witness[\s\S]*us-east-1/i)
    expect(code).not.toMatch(/StreamSpecification|stream[-_]/)
    expect(code).not.toMatch(/TimeToLiveSpecification|update-time-to-live|timeToLiveAttribute|ttl \{/)
  })

  test('refuses replicas of provisioned tables', async () => {
    const words = ['--replicas', 'us-west-2', '--billing', 'provisioned']
    const { exitCode, stderr } = await runCli(['create-table', '--print', name, ...words])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('on-demand') as string])
  })

  test('refuses the ARN of a table', async () => {
    const table = 'arn:aws:dynamodb:eu-west-1:111122223333:table/sessions'
    const { exitCode, stderr } = await runCli(['create-table', '--print', name, '--table', table])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('not an ARN')
  })
})

describe('the examples', () => {
  test.each([
    ['sessions.yaml', 'cloudformation'],
    ['sessions.tf', 'terraform'],
    ['session-table.ts', 'cdk'],
    ['create-table.sh', 'cli'],
  ] as const)('%s works as it is: it says what is printed for its names', async (file, format) => {
    const example = await readFile(join('examples/infrastructure', file), 'utf8')
    expect(example).toContain('[template]')
    expect(withoutComments(example)).toBe(withoutComments(await infrastructureCode(format, designOf())))
  })
})

function withoutComments(code: string): string {
  return code
    .split('\n')
    .filter(line => !/^\s*(?:#|\/\/|$)/.test(line))
    .join('\n')
}

describe('replicas of eventual consistency are written as versions know them that are older than strong consistency', () => {
  test('in Terraform', async () => {
    const code = await printed('terraform', '--replicas', 'us-west-2,eu-central-1')
    expect(replicaBlocks(code)).toEqual([
      '  replica {\n    region_name = "us-west-2"\n  }\n',
      '  replica {\n    region_name = "eu-central-1"\n  }\n',
    ])
    expect(code).not.toMatch(/consistency_mode|global_table_witness|AWS provider/)
  })

  test('in the CDK', async () => {
    const code = await printed('cdk', '--replicas', 'us-west-2')
    expect(code).toContain("{ region: 'us-west-2' }")
    expect(code).not.toContain('MultiRegionConsistency')
  })
})

describe('Terraform code for replicas of strong consistency', () => {
  const oneReplica = '  replica {\n    region_name      = "us-west-2"\n    consistency_mode = "STRONG"\n  }\n'

  test('says which AWS provider it needs', async () => {
    const words = ['--replicas', 'us-west-2,us-east-2', '--consistency', 'strong']
    const code = await printed('terraform', ...words)
    expect(replicaBlocks(code)).toEqual([oneReplica, oneReplica.replace('us-west-2', 'us-east-2')])
    expect(code.match(/^ *# .*AWS provider.*$/gm)).toEqual([
      '  # consistency_mode needs version 6.3 of the AWS provider, or a newer one.',
    ])
  })

  test('says so of a witness, too', async () => {
    const words = ['--replicas', 'us-west-2', '--consistency', 'strong', '--witness', 'us-east-2']
    const code = await printed('terraform', ...words)
    expect(replicaBlocks(code)).toEqual([oneReplica])
    expect(code).toContain(
      '  # global_table_witness needs version 6.22 of the AWS provider, or a newer one.\n' +
        '  global_table_witness {\n    region_name = "us-east-2"\n  }\n',
    )
  })
})

async function printed(format: string, ...words: string[]): Promise<string> {
  const { stdout } = await runCli(['create-table', '--print', format, '--region', 'us-east-1', ...words])
  return stdout
}

function replicaBlocks(code: string): string[] {
  return code.match(/^ {2}replica \{\n.*?^ {2}\}\n/gms) ?? []
}

describe('names with characters that mean something', () => {
  // The name of a partition key can be anything.
  const partitionKey = `a'b"c\${d}%{e}\`f\\g$(h)`
  const design = designOf({ partitionKey })

  test('are quoted in CDK code', async () => {
    const cdk = await infrastructureCode('cdk', design)
    const { code } = await transform(cdk, { loader: 'ts', format: 'esm' })
    expect(code).toContain('SessionTable')
    const literal = /partitionKey: \{ name: ("(?:[^"\\]|\\.)*")/.exec(cdk)?.[1] ?? ''
    expect(JSON.parse(literal)).toBe(partitionKey)
  })

  test('do not begin templates in Terraform', async () => {
    const literals = (await infrastructureCode('terraform', design)).match(/^ {2}hash_key +=.*$/m)?.[0] ?? ''
    expect(literals).toContain('$${d}%%{e}')
  })

  test('are quoted in CloudFormation', async () => {
    expect(await infrastructureCode('cloudformation', design)).toContain(
      `AttributeName: ${JSON.stringify(partitionKey)}`,
    )
  })
})

describe.each(engines)('the commands of the AWS CLI, $name', ({ endpoint, supports }) => {
  test.each([
    ['on-demand', { partitionKey: `it's "id"` }],
    ['provisioned', { billing: provisioned }],
    ['without index', { userIndex: undefined }],
  ])('make the table: %s', async (_, changes) => {
    const table = uniqueTableName()
    const design = designOf({ table, region: 'eu-west-1', ...changes })
    const calls = await callsOf(await infrastructureCode('cli', design))
    expect(calls.map(({ service, operation }) => `${service} ${operation}`)).toEqual([
      'dynamodb create-table',
      'dynamodb wait',
      'dynamodb update-time-to-live',
      'dynamodb describe-table',
      'iam create-policy',
    ])
    const [create, , timeToLive, , policy] = calls
    const indexes = create?.options['--global-secondary-indexes']
    const throughput = create?.options['--provisioned-throughput']
    const { statusCode, body } = await sendToEngine(endpoint, 'CreateTable', {
      TableName: create?.options['--table-name'],
      BillingMode: create?.options['--billing-mode'],
      AttributeDefinitions: json(create?.options['--attribute-definitions']),
      KeySchema: json(create?.options['--key-schema']),
      ...(indexes !== undefined && { GlobalSecondaryIndexes: json(indexes) }),
      ...(throughput !== undefined && { ProvisionedThroughput: json(throughput) }),
    })
    expect([statusCode, body['message']]).toEqual([200, undefined])
    if (supports.ttl) {
      const TimeToLiveSpecification = json(timeToLive?.options['--time-to-live-specification'])
      await sendToEngine(endpoint, 'UpdateTimeToLive', { TableName: table, TimeToLiveSpecification })
    }
    await expect
      .poll(async () => {
        const { findings } = await checkTable({
          ...connectionTo({ endpoint }),
          table,
          partitionKey: design.partitionKey,
          userIndex: design.userIndex !== undefined,
        })
        return findings.filter(
          ({ level, what }) => level !== 'pass' && (supports.ttl || !what.includes('time to live')),
        )
      })
      .toEqual([])

    const document = json(policy?.options['--policy-document']) as {
      Statement: { Action: string[]; Resource: string }[]
    }
    const arn = 'arn:aws:dynamodb:eu-west-1:111122223333:table/t'
    expect(document.Statement.map(({ Resource }) => Resource)).toEqual(
      design.userIndex === undefined ? [arn] : [arn, `${arn}/index/user-index`],
    )
  })
})

interface Call {
  readonly service: string
  readonly operation: string
  readonly options: Readonly<Record<string, string>>
}

/** Runs a script with a program in the place of the AWS CLI that only writes down how it is called. */
async function callsOf(script: string): Promise<readonly Call[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const program = `#!${process.execPath}
require('node:fs').appendFileSync(process.env.CALLS, JSON.stringify(process.argv.slice(2)) + '\\n')
if (process.argv.includes('describe-table')) console.log('arn:aws:dynamodb:eu-west-1:111122223333:table/t')
`
  await writeFile(join(folder, 'aws'), program)
  await chmod(join(folder, 'aws'), 0o755)
  await writeFile(join(folder, 'script.sh'), script)
  const calls = join(folder, 'calls')
  await promisify(execFile)('sh', [join(folder, 'script.sh')], {
    env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, CALLS: calls },
  })
  const text = await readFile(calls, 'utf8')
  return text
    .trim()
    .split('\n')
    .map(line => {
      const [service = '', operation = '', ...args] = JSON.parse(line) as string[]
      const words = operation === 'wait' ? args.slice(1) : args
      const options: Record<string, string> = {}
      for (let index = 0; index < words.length; index += 2)
        options[words[index] ?? ''] = words[index + 1] ?? ''
      return { service, operation, options }
    })
}

function json(text: string | undefined): unknown {
  return JSON.parse(text ?? '')
}
