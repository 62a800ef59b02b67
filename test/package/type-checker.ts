import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

import { API } from 'typescript/unstable/async'
import type { Diagnostic, Program, Snapshot } from 'typescript/unstable/async'

import type { PackedApp } from './packed-app.ts'

/** As `compilerOptions` of a `tsconfig.json` has them. */
export type CompilerSettings = Readonly<Record<string, unknown>>

/** What the compiler finds in a program. */
export interface Checked {
  /** What it has to say about the files, and about the program as a whole. */
  readonly messages: readonly string[]
  /** What it has read, as paths from the folder of the app. */
  readonly files: readonly string[]
}

/** As a user has them who wants to know everything. */
const strictest: CompilerSettings = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2023',
  types: ['node'],
}

/** One compiler for many programs of an app: a process for each would parse the frameworks' declarations again. */
export class TypeChecker implements AsyncDisposable {
  readonly #folder: string
  readonly #api: API
  #programs = 0

  constructor({ folder }: PackedApp) {
    this.#folder = folder
    this.#api = new API({ cwd: folder })
  }

  /** Checks some files of the app, and only reads the declarations that they import. */
  async check(files: readonly string[], settings: CompilerSettings = {}): Promise<Checked> {
    const { program, snapshot } = await this.#open(files, { ...settings, skipLibCheck: true })
    const found = [
      ...(await program.getConfigFileParsingDiagnostics()),
      ...(await program.getProgramDiagnostics()),
      ...(await program.getSyntacticDiagnostics()),
      ...(await program.getSemanticDiagnostics()),
      ...(await program.getGlobalDiagnostics()),
    ]
    const read = await program.getSourceFileNames()
    await snapshot.dispose()
    return { messages: found.map(messageOf), files: read.map(file => relative(this.#folder, file)) }
  }

  /**
   * Checks the declarations of the package, too. Those of frameworks are still only read: to check them takes ten times as
   * long, and some of them do not compile by themselves.
   */
  async checkWithPackage(files: readonly string[], settings: CompilerSettings = {}): Promise<Checked> {
    const ofApp = await this.check(files, settings)
    const { program, snapshot } = await this.#open(files, settings)
    const ofPackage: Diagnostic[] = []
    const declarations = ofApp.files.filter(file =>
      file.startsWith(join('node_modules', 'dynamodb-sessions')),
    )
    for (const file of declarations) {
      ofPackage.push(...(await program.getSemanticDiagnostics(join(this.#folder, file))))
    }
    await snapshot.dispose()
    return { ...ofApp, messages: [...ofApp.messages, ...ofPackage.map(messageOf)] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.close()
  }

  async #open(
    files: readonly string[],
    settings: CompilerSettings,
  ): Promise<{ readonly program: Program; readonly snapshot: Snapshot }> {
    const project = join(this.#folder, `tsconfig.${++this.#programs}.json`)
    await writeFile(project, JSON.stringify({ compilerOptions: { ...strictest, ...settings }, files }))
    const snapshot = await this.#api.updateSnapshot({ openProjects: [project] })
    const program = snapshot.getProject(project)?.program
    if (program === undefined) throw new Error(`${project} cannot be opened`)
    return { program, snapshot }
  }
}

function messageOf({ fileName = '', code, text }: Diagnostic): string {
  return `${fileName} TS${code}: ${text}`
}
