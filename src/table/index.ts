export { checkTable, describeTable, type TableReport } from './check-table.ts'
export { type Finding } from './findings.ts'
export { createTable, type CreateTableOptions, type CreateTableResult } from './create-table.ts'
export type { ReplicaOptions } from './replicas.ts'
export type { TableOptions } from './table-options.ts'
export type {
  Billing,
  KeyAttribute,
  ReplicaState,
  TableState,
  TimeToLive,
  UserIndexState,
} from './table-state.ts'
export type { ProvisionedCapacity } from '../layouts/user-index.ts'
