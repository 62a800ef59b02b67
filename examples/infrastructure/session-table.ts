// [template]
// The table for sessions in the AWS CDK. This file works as it is; to have your names in it, and no marks, print it:
//   npx dynamodb-sessions create-table --print cdk --table my-sessions
// [end]
// [no replicas]
import { RemovalPolicy } from 'aws-cdk-lib'
// [user index]
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb'
// [end]
// [no user index]
//~ import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
// [end]
// [end]
// [replicas]
//~ import { RemovalPolicy, Stack } from 'aws-cdk-lib'
// [eventual consistency]
//~ import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
// [end]
// [strong consistency]
//~ import { AttributeType, Billing, MultiRegionConsistency, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
// [end]
// [end]
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'

/** Sessions of an application, kept by dynamodb-sessions. Attach `accessPolicy` to the role of the application. */
export class SessionTable extends Construct {
  // [no replicas]
  readonly table: Table
  // [end]
  // [replicas]
  //~ readonly table: TableV2
  // [end]
  /** What the application needs, and no more. */
  readonly accessPolicy: ManagedPolicy

  constructor(scope: Construct, id: string) {
    super(scope, id)
    // [no replicas]
    this.table = new Table(this, 'Table', {
    // [end]
    // [replicas]
    //~ this.table = new TableV2(this, 'Table', {
    // [end]
      tableName: "my-sessions",
      partitionKey: { name: "id", type: AttributeType.STRING },
      // [no replicas]
      // [on-demand]
      billingMode: BillingMode.PAY_PER_REQUEST,
      // [end]
      // [end]
      // [replicas]
      //~ billing: Billing.onDemand(),
      //~ replicas: [
      // [each replica]
      //~   { region: 'us-west-2' },
      // [end]
      //~ ],
      // [strong consistency]
      //~ multiRegionConsistency: MultiRegionConsistency.STRONG,
      // [end]
      // [witness]
      //~ witnessRegion: 'us-east-2',
      // [end]
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
      //~ // No time to live can act here. dynamodb-sessions gc deletes what has expired.
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
    // [replicas]
    //~ // The table in every region.
    //~ const names = { service: 'dynamodb', region: '*', resource: 'table', resourceName: this.table.tableName }
    //~ const tableArn = Stack.of(this).formatArn(names)
    // [end]
    // For operators (list, gc, stats, doctor) add dynamodb:Scan, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive on the table.
    this.accessPolicy = new ManagedPolicy(this, 'AccessPolicy', {
      statements: [
        new PolicyStatement({
          actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
          // [no replicas]
          resources: [this.table.tableArn],
          // [end]
          // [replicas]
          //~ resources: [tableArn],
          // [end]
        }),
        // [user index]
        new PolicyStatement({
          actions: ["dynamodb:Query"],
          // [no replicas]
          resources: [`${this.table.tableArn}/index/user-index`],
          // [end]
          // [replicas]
          //~ resources: [`${tableArn}/index/user-index`],
          // [end]
        }),
        // [end]
      ],
    })
  }
}
