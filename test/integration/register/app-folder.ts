import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

import { packedPackage, root } from '../../support/packed-package.ts'

/** How a program is run. */
export interface RunOptions {
  /** Variables besides PATH. */
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments of Node before the program. @default none */
  readonly nodeArguments?: readonly string[]
  /** The Node to run it with. @default the present one */
  readonly node?: string
  /** A program that is started with the command as arguments. @default none */
  readonly wrapper?: string
}

/** What became of a program. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder with applications and what they have installed: frameworks and, mostly, this package as it is now. */
export class AppFolder {
  readonly path: string
  readonly #processes: AppProcess[] = []

  private constructor(path: string) {
    this.path = path
  }

  /** Copies this package, as it would be installed, into the `node_modules` of a new folder. */
  static async create(): Promise<AppFolder> {
    const folder = await AppFolder.createEmpty()
    await installPackageInto(folder.path)
    return folder
  }

  /** Makes a new folder without this package. */
  static async createEmpty(): Promise<AppFolder> {
    return new AppFolder(await mkdtemp(join(tmpdir(), 'register-')))
  }

  /**
   * Installs a package as a link to where it really is, as pnpm does.
   *
   * @param from the folder that has it in its `node_modules`: this repository by default.
   * @param into the folder inside this one that is to have it.
   */
  async link(name: string, from: string = root, into: string = '.'): Promise<void> {
    const target = join(this.path, into, 'node_modules', name)
    await mkdir(dirname(target), { recursive: true })
    await symlink(join(from, 'node_modules', name), target)
  }

  /** Installs a copy of a package of this repository, in the `node_modules` of another. */
  async copyInto(dependent: string, name: string): Promise<void> {
    await cp(
      join(root, 'node_modules', name),
      join(this.path, 'node_modules', dependent, 'node_modules', name),
      { recursive: true },
    )
  }

  /** Writes a file, into new folders if need be. */
  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.path, file)), { recursive: true })
    await writeFile(join(this.path, file), text)
  }

  /** Runs a program until it ends. */
  async run(file: string, options: RunOptions = {}): Promise<Ended> {
    return this.#spawn(file, options).ended
  }

  /** Starts a program that prints `listening on <port>`; rejects with what it says if it ends instead. */
  async start(file: string, options: RunOptions = {}): Promise<AppProcess> {
    const app = this.#spawn(file, options)
    await app.untilListening()
    return app
  }

  /** Kills what still runs and deletes the folder. */
  async remove(): Promise<void> {
    await Promise.all(this.#processes.map(app => app.kill()))
    await rm(this.path, { recursive: true, force: true })
  }

  #spawn(
    file: string,
    { environment = {}, nodeArguments = [], node = process.execPath, wrapper }: RunOptions,
  ): AppProcess {
    const command = [
      ...(wrapper === undefined ? [] : [wrapper]),
      node,
      ...nodeArguments,
      join(this.path, file),
    ]
    const [program = node, ...rest] = command
    const child = spawn(program, rest, {
      cwd: this.path,
      env: { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true', HOME: this.path, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const app = new AppProcess(child)
    this.#processes.push(app)
    return app
  }
}

/** Copies this package, as `npm install --prefix` would install it, into the `node_modules` of a folder. */
export async function installPackageInto(folder: string): Promise<void> {
  const { installed } = await packedPackage()
  await cp(installed, join(folder, 'node_modules/dynamodb-sessions'), { recursive: true })
}

/** An application in a process of its own. */
export class AppProcess {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #lines = new EventEmitter()
  #port: string | undefined
  #stdout = ''
  #stderr = ''

  constructor(child: ChildProcess) {
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('the process has no pipes')
    this.#child = child
    stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    createInterface({ input: stdout }).on('line', line => {
      const port = /^listening on (?<port>\d+)$/.exec(line)?.groups?.['port']
      if (port === undefined) return
      this.#port ??= port
      this.#lines.emit('port')
    })
    this.ended = once(child, 'close').then(() => ({
      exitCode: child.exitCode,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }))
  }

  /** Where it listens, `http://127.0.0.1:<port>`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** What it has printed on standard error so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** Kills it with SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Asks it to end, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.ended
  }

  /** Waits until it listens; rejects when it ends before. */
  async untilListening(): Promise<void> {
    const ended = this.ended.then(({ stderr }) => {
      if (this.#port === undefined) throw new Error(`the application ended before it listened:\n${stderr}`)
    })
    await Promise.race([once(this.#lines, 'port'), ended])
  }
}
