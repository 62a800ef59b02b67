declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** Makes a server that is not listening yet. Durations are in milliseconds. */
  export default function dynalite(options: {
    createTableMs: number
    deleteTableMs: number
    updateTableMs: number
  }): Server
}
