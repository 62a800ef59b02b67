import type { Command } from './command.ts'

/** What is known of a command before its code is loaded. */
export interface CommandEntry {
  readonly name: string
  /** What it does, in a few words. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'create-table',
    summary: 'create the table, or print it as infrastructure code',
    load: async () => (await import('./commands/create-table.ts')).createTableCommand,
  },
  {
    name: 'doctor',
    summary: 'check credentials, region, clock, table and permissions, and say how to mend them',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    name: 'list',
    summary: 'list the sessions that are alive, or those of one user',
    load: async () => (await import('./commands/list.ts')).listCommand,
  },
  {
    name: 'show',
    summary: 'show one session',
    load: async () => (await import('./commands/show.ts')).showCommand,
  },
  {
    name: 'destroy',
    summary: 'end one session, or all sessions of a user',
    load: async () => (await import('./commands/destroy.ts')).destroyCommand,
  },
  {
    name: 'gc',
    summary: 'delete the sessions that have expired',
    load: async () => (await import('./commands/gc.ts')).gcCommand,
  },
  {
    name: 'migrate',
    summary: 'move the sessions of another store here, all at once',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  {
    name: 'stats',
    summary: 'count the sessions, and measure their size and age',
    load: async () => (await import('./commands/stats.ts')).statsCommand,
  },
]
