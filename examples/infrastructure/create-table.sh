#!/bin/sh
# [template]
# The table for sessions by commands of the AWS CLI. This file works as it is; to have your names in it, and no marks,
# print it:
#   npx dynamodb-sessions create-table --print cli --table my-sessions
# [end]
# Sessions of an application, kept by dynamodb-sessions.
set -eu
# [region]
#~ export AWS_REGION=eu-west-1
# [end]

set -- --table-name my-sessions
# [on-demand]
set -- "$@" --billing-mode PAY_PER_REQUEST
# [end]
# [provisioned]
#~ set -- "$@" --billing-mode PROVISIONED
#~ set -- "$@" --provisioned-throughput '{"ReadCapacityUnits":5,"WriteCapacityUnits":5}'
# [end]
# [replicas]
# [eventual consistency]
#~ set -- "$@" --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES
# [end]
# [end]
set -- "$@" --key-schema '[{"AttributeName":"id","KeyType":"HASH"}]'
# [no user index]
#~ set -- "$@" --attribute-definitions '[{"AttributeName":"id","AttributeType":"S"}]'
# [end]
# [user index]
set -- "$@" --attribute-definitions '[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"user","AttributeType":"S"}]'
# [on-demand]
throughput=
# [end]
# [provisioned]
#~ throughput=',"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5}'
# [end]
projection='{"ProjectionType":"INCLUDE","NonKeyAttributes":["expires","expiresMs","created"]}'
index='"IndexName":"user-index","KeySchema":[{"AttributeName":"user","KeyType":"HASH"}],"Projection":'$projection$throughput
set -- "$@" --global-secondary-indexes "[{$index}]"
# [end]
aws dynamodb create-table "$@"
aws dynamodb wait table-exists --table-name my-sessions
# [replicas]
# [eventual consistency]
# [each replica]
#~ aws dynamodb update-table --table-name my-sessions --replica-updates '[{"Create":{"RegionName":"us-west-2"}}]'
#~ until aws dynamodb describe-table --table-name my-sessions \
#~   --query "Table.Replicas[?RegionName=='us-west-2'].ReplicaStatus" --output text | grep -q ACTIVE; do sleep 10; done
# [end]
# [end]
# [strong consistency]
#~ set -- --table-name my-sessions --multi-region-consistency STRONG
#~ replicas=
# [each replica]
#~ replicas=$replicas${replicas:+,}'{"Create":{"RegionName":"us-west-2"}}'
# [end]
# [witness]
#~ set -- "$@" --global-table-witness-updates '[{"Create":{"RegionName":"us-east-2"}}]'
# [end]
#~ aws dynamodb update-table "$@" --replica-updates "[$replicas]"
# [end]
# [end]
# [time to live]
aws dynamodb update-time-to-live --table-name my-sessions \
  --time-to-live-specification '{"AttributeName":"expires","Enabled":true}'
# [end]
# [no time to live]
#~ # No time to live can act here. dynamodb-sessions gc deletes what has expired.
# [end]

# What the application needs, and no more. Attach it to the role of the application.
# For operators (list, gc, stats, doctor) add dynamodb:Scan, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive on the table.
arn=$(aws dynamodb describe-table --table-name my-sessions --query Table.TableArn --output text)
# [replicas]
#~ # In every region.
#~ arn=$(echo "$arn" | sed 's/:dynamodb:[^:]*:/:dynamodb:*:/')
# [end]
statements='{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem"],"Resource":"'$arn'"}'
# [user index]
statements=$statements',{"Effect":"Allow","Action":["dynamodb:Query"],"Resource":"'$arn'/index/user-index"}'
# [end]
aws iam create-policy --policy-name my-sessions-session-access \
  --policy-document '{"Version":"2012-10-17","Statement":['"$statements"']}'
