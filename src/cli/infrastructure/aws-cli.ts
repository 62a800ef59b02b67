import {
  APPLICATION_ACTIONS,
  INDEX_ACTIONS,
  NO_TIME_TO_LIVE,
  OPERATOR_ACTIONS,
  type TableDesign,
} from './table-design.ts'

/** The table and the policy as a shell script of AWS CLI commands. */
export function awsCli(design: TableDesign): string {
  const { table, region, partitionKey, billing, userIndex: index } = design
  const throughput =
    billing === 'on-demand'
      ? undefined
      : { ReadCapacityUnits: billing.readCapacityUnits, WriteCapacityUnits: billing.writeCapacityUnits }
  const definitions = [partitionKey, ...(index === undefined ? [] : [index.attribute])]
  const create = [
    'aws dynamodb create-table',
    `--table-name ${shell(table)}`,
    `--billing-mode ${throughput === undefined ? 'PAY_PER_REQUEST' : 'PROVISIONED'}`,
    ...(throughput === undefined ? [] : [`--provisioned-throughput ${json(throughput)}`]),
    `--attribute-definitions ${json(definitions.map(AttributeName => ({ AttributeName, AttributeType: 'S' })))}`,
    `--key-schema ${json([{ AttributeName: partitionKey, KeyType: 'HASH' }])}`,
  ]
  if (index !== undefined) {
    const definition = {
      IndexName: index.name,
      KeySchema: [{ AttributeName: index.attribute, KeyType: 'HASH' }],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: index.projected },
      ...(throughput !== undefined && { ProvisionedThroughput: throughput }),
    }
    create.push(`--global-secondary-indexes ${json([definition])}`)
  }
  return `#!/bin/sh
# Sessions of an application, kept by dynamodb-sessions.
set -eu
${region === undefined ? '' : `export AWS_REGION=${shell(region)}\n`}
${command(create)}
aws dynamodb wait table-exists --table-name ${shell(table)}
${timeToLive(design)}

# What the application needs, and no more. Attach it to the role of the application.
# For operators (list, gc, stats, doctor) add ${OPERATOR_ACTIONS.join(', ')} on the table.
arn=$(aws dynamodb describe-table --table-name ${shell(table)} --query Table.TableArn --output text)
aws iam create-policy --policy-name ${shell(`${table.slice(0, 113)}-session-access`)} --policy-document "${doubleQuoted(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: APPLICATION_ACTIONS, Resource: ARN },
        ...(index === undefined
          ? []
          : [{ Effect: 'Allow', Action: INDEX_ACTIONS, Resource: `${ARN}/index/${index.name}` }]),
      ],
    }),
  )}"
`
}

/** Stands for the ARN of the table, which is known only when the script runs. */
const ARN = '@arn@'

function timeToLive({ table, ttlAttribute }: TableDesign): string {
  if (ttlAttribute === undefined) return `# ${NO_TIME_TO_LIVE}`
  return command([
    'aws dynamodb update-time-to-live',
    `--table-name ${shell(table)}`,
    `--time-to-live-specification ${json({ AttributeName: ttlAttribute, Enabled: true })}`,
  ])
}

function command(parts: readonly string[]): string {
  return parts.join(' \\\n  ')
}

function json(value: unknown): string {
  return shell(JSON.stringify(value))
}

/** A word of a shell script. */
function shell(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** The inside of a text in double quotation marks, with the variable in its place. */
function doubleQuoted(text: string): string {
  return text.replaceAll(/["\\$`]/g, character => `\\${character}`).replaceAll(ARN, '$arn')
}
