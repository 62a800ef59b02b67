import type { Command, OptionDeclaration } from './args.ts'

/** The options that say which table, where and by whom: every command has them. */
export const tableOptions: readonly OptionDeclaration[] = [
  { name: 'table', value: 'name', description: 'name or ARN of the table (default: sessions)' },
  {
    name: 'region',
    value: 'region',
    description: 'AWS region (default: AWS_REGION, the profile, the instance)',
  },
  { name: 'endpoint', value: 'url', description: 'URL of DynamoDB, for DynamoDB Local or a VPC endpoint' },
  {
    name: 'profile',
    value: 'name',
    description: 'profile of the AWS configuration files (default: AWS_PROFILE)',
  },
  {
    name: 'partition-key',
    value: 'name',
    description: 'partition key of the table (default: that of the layout, id)',
  },
]

/** The options that say which items of the table are the sessions of this application. */
export const namespaceOptions: readonly OptionDeclaration[] = [
  {
    name: 'layout',
    value: 'name',
    description: 'how other software has written the sessions, for example php (default: native)',
  },
  {
    name: 'prefix',
    value: 'text',
    mayBeEmpty: true,
    description: 'what the keys of the sessions begin with (default: that of the layout, nothing)',
  },
  { name: 'no-hash-ids', description: 'the keys are the session IDs themselves, not their hashes' },
  { name: 'hash-ids', description: 'the keys are hashes, whatever the environment says' },
]

/** How the outcome is written, for every command. */
export const outputOptions: readonly OptionDeclaration[] = [
  { name: 'json', description: 'write JSON, for scripts' },
  { name: 'help', description: 'explain this command' },
]

/** Every option that commands have in common. */
export const commonOptions: readonly OptionDeclaration[] = [
  ...tableOptions,
  ...namespaceOptions,
  ...outputOptions,
]

/** The common options that a command has. */
export function commonOptionsOf({ without = [] }: Pick<Command, 'without'>): readonly OptionDeclaration[] {
  return commonOptions.filter(({ name }) => !without.includes(name))
}
