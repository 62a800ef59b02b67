import {
  APPLICATION_ACTIONS,
  INDEX_ACTIONS,
  NO_TIME_TO_LIVE,
  OPERATOR_ACTIONS,
  quoted,
  type TableDesign,
} from './table-design.ts'

/** The table and the policy as a construct of the AWS CDK, in TypeScript. */
export function cdk(design: TableDesign): string {
  const { table, partitionKey, billing, ttlAttribute, userIndex: index } = design
  const addIndex =
    index === undefined
      ? ''
      : `
    this.table.addGlobalSecondaryIndex({
      indexName: ${quoted(index.name)},
      partitionKey: { name: ${quoted(index.attribute)}, type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [${index.projected.map(quoted).join(', ')}],${capacity(design, '      ')}
    })
`
  const indexStatement =
    index === undefined
      ? ''
      : `
        new PolicyStatement({
          actions: [${INDEX_ACTIONS.map(quoted).join(', ')}],
          resources: [\`\${this.table.tableArn}/index/${index.name}\`],
        }),`
  return `import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ${index === undefined ? '' : 'ProjectionType, '}Table } from 'aws-cdk-lib/aws-dynamodb'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'

/** Sessions of an application, kept by dynamodb-sessions. Attach \`accessPolicy\` to the role of the application. */
export class SessionTable extends Construct {
  readonly table: Table
  /** What the application needs, and no more. */
  readonly accessPolicy: ManagedPolicy

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      tableName: ${quoted(table)},
      partitionKey: { name: ${quoted(partitionKey)}, type: AttributeType.STRING },
      billingMode: BillingMode.${billing === 'on-demand' ? 'PAY_PER_REQUEST' : 'PROVISIONED'},${capacity(design, '      ')}
      ${ttlAttribute === undefined ? `// ${NO_TIME_TO_LIVE}` : `timeToLiveAttribute: ${quoted(ttlAttribute)},`}
      removalPolicy: RemovalPolicy.RETAIN,
    })
${addIndex}
    // For operators (list, gc, stats, doctor) add ${OPERATOR_ACTIONS.join(', ')} on the table.
    this.accessPolicy = new ManagedPolicy(this, 'AccessPolicy', {
      statements: [
        new PolicyStatement({
          actions: [${APPLICATION_ACTIONS.map(quoted).join(', ')}],
          resources: [this.table.tableArn],
        }),${indexStatement}
      ],
    })
  }
}
`
}

function capacity({ billing }: TableDesign, indent: string): string {
  if (billing === 'on-demand') return ''
  return `\n${indent}readCapacity: ${billing.readCapacityUnits},\n${indent}writeCapacity: ${billing.writeCapacityUnits},`
}
