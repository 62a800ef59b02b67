import {
  APPLICATION_ACTIONS,
  INDEX_ACTIONS,
  NO_TIME_TO_LIVE,
  OPERATOR_ACTIONS,
  type TableDesign,
} from './table-design.ts'

/** The table and the policy as Terraform configuration. */
export function terraform(design: TableDesign): string {
  const { table, partitionKey, userIndex: index } = design
  const indexBlocks =
    index === undefined
      ? ''
      : `
  attribute {
    name = ${text(index.attribute)}
    type = "S"
  }

  global_secondary_index {
    name               = ${text(index.name)}
    hash_key           = ${text(index.attribute)}
    projection_type    = "INCLUDE"
    non_key_attributes = ${texts(index.projected)}
${capacity(design, '    ', 18)}  }
`
  const indexStatement =
    index === undefined
      ? ''
      : `
  statement {
    actions   = ${texts(INDEX_ACTIONS)}
    resources = ["\${aws_dynamodb_table.sessions.arn}/index/${index.name}"]
  }
`
  return `# Sessions of an application, kept by dynamodb-sessions.
resource "aws_dynamodb_table" "sessions" {
  name         = ${text(table)}
  billing_mode = ${design.billing === 'on-demand' ? '"PAY_PER_REQUEST"' : '"PROVISIONED"'}
  hash_key     = ${text(partitionKey)}
${design.billing === 'on-demand' ? '' : `\n${capacity(design, '  ', 14)}`}
  attribute {
    name = ${text(partitionKey)}
    type = "S"
  }
${indexBlocks}
${timeToLive(design)}
  lifecycle {
    prevent_destroy = true
  }
}

# What the application needs, and no more.
# For operators (list, gc, stats, doctor) add ${OPERATOR_ACTIONS.join(', ')} on the table.
data "aws_iam_policy_document" "session_access" {
  statement {
    actions   = ${texts(APPLICATION_ACTIONS)}
    resources = [aws_dynamodb_table.sessions.arn]
  }
${indexStatement}}

resource "aws_iam_policy" "session_access" {
  name   = ${text(`${table.slice(0, 113)}-session-access`)}
  policy = data.aws_iam_policy_document.session_access.json
}

output "session_access_policy_arn" {
  description = "Attach it to the role of the application"
  value       = aws_iam_policy.session_access.arn
}
`
}

function timeToLive({ ttlAttribute }: TableDesign): string {
  if (ttlAttribute === undefined) return `  # ${NO_TIME_TO_LIVE}\n`
  return `  ttl {
    attribute_name = ${text(ttlAttribute)}
    enabled        = true
  }
`
}

function capacity({ billing }: TableDesign, indent: string, width: number): string {
  if (billing === 'on-demand') return ''
  const line = (name: string, units: number): string => `${indent}${name.padEnd(width)} = ${units}\n`
  return line('read_capacity', billing.readCapacityUnits) + line('write_capacity', billing.writeCapacityUnits)
}

function texts(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`
}

/** A literal; `${` and `%{` would begin a template. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll(/[$%]\{/g, match => `${match[0]}${match}`)
}
