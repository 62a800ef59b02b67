export { createTable, type CreateTableOptions, type CreateTableResult } from './create-table.ts'
