import {
  APPLICATION_ACTIONS,
  INDEX_ACTIONS,
  NO_TIME_TO_LIVE,
  OPERATOR_ACTIONS,
  quoted,
  type TableDesign,
} from './table-design.ts'

/** The table and the policy as a CloudFormation template in YAML. */
export function cloudFormation(design: TableDesign): string {
  const { table, partitionKey, billing, userIndex: index } = design
  return `AWSTemplateFormatVersion: "2010-09-09"
Description: Sessions of an application, kept by dynamodb-sessions
Resources:
  SessionTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      TableName: ${quoted(table)}
      BillingMode: ${billing === 'on-demand' ? 'PAY_PER_REQUEST' : 'PROVISIONED'}
${throughput(design, '      ')}      KeySchema:
        - AttributeName: ${quoted(partitionKey)}
          KeyType: HASH
      AttributeDefinitions:
        - AttributeName: ${quoted(partitionKey)}
          AttributeType: S
${
  index === undefined
    ? ''
    : `        - AttributeName: ${quoted(index.attribute)}
          AttributeType: S
      GlobalSecondaryIndexes:
        - IndexName: ${quoted(index.name)}
          KeySchema:
            - AttributeName: ${quoted(index.attribute)}
              KeyType: HASH
          Projection:
            ProjectionType: INCLUDE
            NonKeyAttributes: [${index.projected.map(quoted).join(', ')}]
${throughput(design, '          ')}`
}${timeToLive(design)}  SessionAccessPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: ${quoted('What the application needs for its sessions, and no more')}
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: [${APPLICATION_ACTIONS.map(quoted).join(', ')}]
            Resource: !GetAtt SessionTable.Arn
${
  index === undefined
    ? ''
    : `          - Effect: Allow
            Action: [${INDEX_ACTIONS.map(quoted).join(', ')}]
            Resource: !Sub "\${SessionTable.Arn}/index/${index.name}"
`
}# For operators (list, gc, stats, doctor) add ${OPERATOR_ACTIONS.join(', ')} on the table.
Outputs:
  SessionTableName:
    Value: !Ref SessionTable
  SessionTableArn:
    Value: !GetAtt SessionTable.Arn
  SessionAccessPolicyArn:
    Description: Attach it to the role of the application
    Value: !Ref SessionAccessPolicy
`
}

function timeToLive({ ttlAttribute }: TableDesign): string {
  if (ttlAttribute === undefined) return `      # ${NO_TIME_TO_LIVE}\n`
  return `      TimeToLiveSpecification:
        AttributeName: ${quoted(ttlAttribute)}
        Enabled: true
`
}

function throughput({ billing }: TableDesign, indent: string): string {
  if (billing === 'on-demand') return ''
  return `${indent}ProvisionedThroughput:
${indent}  ReadCapacityUnits: ${billing.readCapacityUnits}
${indent}  WriteCapacityUnits: ${billing.writeCapacityUnits}
`
}
