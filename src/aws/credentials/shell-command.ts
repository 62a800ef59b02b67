import type { ChildProcess, spawn as Spawn } from 'node:child_process'

import type { Environment } from '../config/environment.ts'
import { GrowingBuffer } from '../http/growing-buffer.ts'
import { codeOf } from '../../internal/core-objects.ts'

/** Limits of {@link outputOfShellCommand}. */
export interface ShellCommandLimits {
  readonly timeoutMs: number
  readonly maxOutputBytes: number
}

/** What became of a command. */
export type ShellCommandOutcome =
  | { readonly kind: 'completed'; readonly output: string }
  /** It could not be started; `code` is that of the system error. */
  | { readonly kind: 'not-started'; readonly code: string | undefined }
  | { readonly kind: 'failed'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'too-much-output' }

/**
 * Runs a command in the system's shell and collects what it writes to its standard output.
 *
 * Its standard input is empty and what it writes to its standard error is thrown away. A command that exceeds a limit
 * is killed together with the processes that it has started (on POSIX systems, those of its process group).
 *
 * @returns the outcome, as soon as it is certain; it never rejects.
 */
export function outputOfShellCommand(
  command: string,
  environment: Environment,
  { timeoutMs, maxOutputBytes }: ShellCommandLimits,
): Promise<ShellCommandOutcome> {
  return new Promise(resolve => {
    let spawn: typeof Spawn
    let child: ChildProcess
    try {
      // Not every process needs it. And not with `import()`, which scripts in a `vm` context do not have.
      spawn = process.getBuiltinModule('node:child_process').spawn
      child = spawn(command, {
        shell: true,
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
        // A process group of its own, so that whatever the shell starts can be killed with it.
        detached: process.platform !== 'win32',
        windowsHide: true,
      })
    } catch (error) {
      resolve({ kind: 'not-started', code: codeOf(error) })
      return
    }
    const output = new GrowingBuffer()

    const settle = (outcome: ShellCommandOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    const stop = (outcome: ShellCommandOutcome): void => {
      child.stdout?.destroy()
      killWithDescendants(child, spawn)
      settle(outcome)
    }
    const timer = setTimeout(() => {
      stop({ kind: 'timed-out' })
    }, timeoutMs)
    child.stdout?.on('data', (chunk: Buffer) => {
      if (output.length + chunk.length > maxOutputBytes) stop({ kind: 'too-much-output' })
      else output.append(chunk, maxOutputBytes)
    })
    child.on('error', error => {
      settle({ kind: 'not-started', code: codeOf(error) })
    })
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) settle({ kind: 'completed', output: output.view.toString('utf8') })
      else settle({ kind: 'failed', exitCode, signal })
    })
  })
}

function killWithDescendants(child: ChildProcess, spawn: typeof Spawn): void {
  const { pid } = child
  if (pid === undefined) return
  if (process.platform === 'win32') {
    const killer = spawn('taskkill', ['/pid', pid.toString(), '/t', '/f'], {
      stdio: 'ignore',
      windowsHide: true,
    })
    killer.on('error', () => child.kill())
    killer.unref()
    return
  }
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Every process of the group has ended by itself.
  }
}
