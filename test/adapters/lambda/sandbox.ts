import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { newerNode } from '../../support/newer-node.ts'
import { root } from '../../support/packed-package.ts'
import { areInstalled } from '../../support/packages.ts'
import { addPackageTo, plainEnvironment } from '../served-app.ts'
import type { Client } from './http-events.ts'
import { RuntimeApi, type Returned } from './runtime-api.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** What stands for `/var/task`. */
export const taskRoot: string = join(folder, 'built')
const runtimeClient = join(taskRoot, 'runtime')

/**
 * Installs the runtime client, and puts the functions of `examples/lambda` and of `app` together with the package, as it would be
 * published.
 *
 * @returns the Node to run them with; nothing where that or the runtime client cannot be installed.
 */
export async function functionsReady(): Promise<string | undefined> {
  const node = await newerNode()
  if (node === undefined || !(await areInstalled(folder, 'the runtime client of AWS Lambda')))
    return undefined
  await rm(taskRoot, { recursive: true, force: true })
  await cp(join(root, 'examples/lambda'), taskRoot, { recursive: true })
  await cp(join(folder, 'app'), taskRoot, { recursive: true })
  await addPackageTo(taskRoot)
  // The client is one file, which looks for its compiled part beside itself.
  await mkdir(runtimeClient)
  await cp(join(folder, 'node_modules/aws-lambda-ric/index.mjs'), join(runtimeClient, 'index.mjs'))
  await cp(join(folder, 'app/rapid-client.node.js'), join(runtimeClient, 'rapid-client.node.js'))
  await writeFile(join(taskRoot, 'package.json'), '{ "type": "module" }')
  return node
}

/** An execution environment: a process with the real runtime client, one function, and a Runtime API of its own. */
export class Sandbox {
  readonly #api: RuntimeApi
  readonly #process: ChildProcess
  #output = ''

  private constructor(api: RuntimeApi, child: ChildProcess) {
    this.#api = api
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    }
  }

  /** Starts one for the function in a file of the task root, without its ending. */
  static async start(
    node: string,
    name: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<Sandbox> {
    const api = await RuntimeApi.start()
    const child = spawn(node, [join(runtimeClient, 'index.mjs')], {
      cwd: taskRoot,
      env: {
        ...plainEnvironment,
        AWS_LAMBDA_RUNTIME_API: api.address,
        AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
        AWS_LAMBDA_FUNCTION_NAME: 'shop',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/shop',
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/12/01/[$LATEST]0',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        LAMBDA_TASK_ROOT: taskRoot,
        _HANDLER: `${name}.handler`,
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const sandbox = new Sandbox(api, child)
    const ended = once(child, 'close').then(() => {
      throw new Error(`the function ended:\n${sandbox.#output}`)
    })
    await Promise.race([api.untilIdle(), ended])
    ended.catch(() => undefined)
    return sandbox
  }

  /** What the function has written to its log. */
  get output(): string {
    return this.#output
  }

  /** Runs the function for a request of a client. */
  async visit(client: Client, path = '/'): Promise<Returned> {
    const { result, isStream } = await this.#api.invoke(client.eventFor(path))
    return { result: client.receive(result), isStream }
  }

  /** Waits until the function has written something to its log. */
  async untilLogged(text: string): Promise<void> {
    while (!this.#output.includes(text)) await once(this.#process.stdout ?? this.#process, 'data')
  }

  /** Stops the process where it is, once it asks for the next event, as Lambda does between invocations. */
  async freeze(): Promise<void> {
    await this.#api.untilIdle()
    this.#process.kill('SIGSTOP')
  }

  /** Lets it go on, as Lambda does for the next invocation. */
  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** Ends it without a word, as Lambda does. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await exited
    }
    await this.#api.close()
  }
}
