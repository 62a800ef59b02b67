# [template]
# The table for sessions in Terraform. This file works as it is; to have your names in it, and no marks, print it:
#   npx dynamodb-sessions create-table --print terraform --table my-sessions
# [end]
# Sessions of an application, kept by dynamodb-sessions.
resource "aws_dynamodb_table" "sessions" {
  name         = "my-sessions"
  # [on-demand]
  billing_mode = "PAY_PER_REQUEST"
  # [end]
  # [provisioned]
  #~ billing_mode = "PROVISIONED"
  # [end]
  hash_key     = "id"

  # [provisioned]
  #~ read_capacity  = 5
  #~ write_capacity = 5
  #~
  # [end]
  attribute {
    name = "id"
    type = "S"
  }

  # [user index]
  attribute {
    name = "user"
    type = "S"
  }

  global_secondary_index {
    name               = "user-index"
    hash_key           = "user"
    projection_type    = "INCLUDE"
    non_key_attributes = ["expires", "expiresMs", "created"]
    # [provisioned]
    #~ read_capacity      = 5
    #~ write_capacity     = 5
    # [end]
  }

  # [end]
  # [time to live]
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  # [end]
  # [no time to live]
  #~ # No time to live can act here. dynamodb-sessions gc deletes what has expired.
  # [end]

  # [replicas]
  # [eventual consistency]
  #~ stream_enabled   = true
  #~ stream_view_type = "NEW_AND_OLD_IMAGES"
  #~
  # [each replica]
  #~ replica {
  #~   region_name = "us-west-2"
  #~ }
  #~
  # [end]
  # [end]
  # [strong consistency]
  #~ # consistency_mode needs version 6.3 of the AWS provider, or a newer one.
  # [each replica]
  #~ replica {
  #~   region_name      = "us-west-2"
  #~   consistency_mode = "STRONG"
  #~ }
  #~
  # [end]
  # [end]
  # [witness]
  #~ # global_table_witness needs version 6.22 of the AWS provider, or a newer one.
  #~ global_table_witness {
  #~   region_name = "us-east-2"
  #~ }
  #~
  # [end]
  # [end]
  lifecycle {
    prevent_destroy = true
  }
}

# [replicas]
#~ # The table in every region.
#~ locals {
#~   sessions_arn = replace(aws_dynamodb_table.sessions.arn, "/:dynamodb:[^:]+:/", ":dynamodb:*:")
#~ }
#~
# [end]
# What the application needs, and no more.
# For operators (list, gc, stats, doctor) add dynamodb:Scan, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive on the table.
data "aws_iam_policy_document" "session_access" {
  statement {
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    # [no replicas]
    resources = [aws_dynamodb_table.sessions.arn]
    # [end]
    # [replicas]
    #~ resources = [local.sessions_arn]
    # [end]
  }
  # [user index]

  statement {
    actions   = ["dynamodb:Query"]
    # [no replicas]
    resources = ["${aws_dynamodb_table.sessions.arn}/index/user-index"]
    # [end]
    # [replicas]
    #~ resources = ["${local.sessions_arn}/index/user-index"]
    # [end]
  }
  # [end]
}

resource "aws_iam_policy" "session_access" {
  name   = "my-sessions-session-access"
  policy = data.aws_iam_policy_document.session_access.json
}

output "session_access_policy_arn" {
  description = "Attach it to the role of the application"
  value       = aws_iam_policy.session_access.arn
}
