// [template]
// The table for sessions in the AWS CDK. This file works as it is; to have your names in it, and no marks, print it:
//   npx dynamodb-sessions create-table --print cdk --table my-sessions
// [end]
import { RemovalPolicy } from 'aws-cdk-lib'
// [user index]
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb'
// [end]
// [no user index]
//~ import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
// [end]
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'

/** Sessions of an application, kept by dynamodb-sessions. Attach `accessPolicy` to the role of the application. */
export class SessionTable extends Construct {
  readonly table: Table
  /** What the application needs, and no more. */
  readonly accessPolicy: ManagedPolicy

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      tableName: "my-sessions",
      partitionKey: { name: "id", type: AttributeType.STRING },
      // [on-demand]
      billingMode: BillingMode.PAY_PER_REQUEST,
      // [end]
      // [provisioned]
      //~ billingMode: BillingMode.PROVISIONED,
      //~ readCapacity: 5,
      //~ writeCapacity: 5,
      // [end]
      // [time to live]
      timeToLiveAttribute: "expires",
      // [end]
      // [no time to live]
      //~ // No time to live: the items have no expiry in seconds. dynamodb-sessions gc deletes what has expired.
      // [end]
      removalPolicy: RemovalPolicy.RETAIN,
    })

    // [user index]
    this.table.addGlobalSecondaryIndex({
      indexName: "user-index",
      partitionKey: { name: "user", type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ["expires", "expiresMs", "created"],
      // [provisioned]
      //~ readCapacity: 5,
      //~ writeCapacity: 5,
      // [end]
    })

    // [end]
    // For operators (list, gc, stats, doctor) add dynamodb:Scan, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive on the table.
    this.accessPolicy = new ManagedPolicy(this, 'AccessPolicy', {
      statements: [
        new PolicyStatement({
          actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
          resources: [this.table.tableArn],
        }),
        // [user index]
        new PolicyStatement({
          actions: ["dynamodb:Query"],
          resources: [`${this.table.tableArn}/index/user-index`],
        }),
        // [end]
      ],
    })
  }
}
