/** Whose items a contender reads. */
export type LayoutName = 'native' | 'connect-dynamodb'
export type Protocol = 'http' | 'https'
export type Host = '127.0.0.1' | 'localhost'
export type Operation = 'get' | 'set' | 'touch'

/** Where a contender is measured: the axes of a row. */
export interface Point {
  readonly protocol: Protocol
  readonly host: Host
  readonly itemBytes: number
  /** Operations under way at a time; a contender may open as many connections. */
  readonly inFlight: number
  readonly operation: Operation
}

/** One that is measured. */
export interface Contender {
  readonly name: string
  readonly label: string
  readonly kind: 'ours' | 'other' | 'reference'
}

/** One that carries out operations under load. */
export interface LoadContender extends Contender {
  /** File in `contenders/` that opens it. */
  readonly module: string
  readonly layout: LayoutName
}

/** What a contender is asked to do, over and over. */
export interface Job extends Point {
  readonly contender: LoadContender
  readonly url: string
  /** The request that our store sends for the operation. */
  readonly request: RecordedRequest
}

export interface RecordedRequest {
  readonly name: 'GetItem' | 'PutItem' | 'UpdateItem'
  readonly body: string
}

/** A contender that is ready and has shown that it reads what the stub server serves. */
export interface Target {
  /** Starts one operation. Each lane has one under way at a time. */
  readonly start: (done: (error?: unknown) => void, lane: number) => unknown
}

/** What a module of `contenders/` exports. */
export interface ContenderModule {
  readonly open: (job: Job) => Promise<Target>
}

/** What one run of one contender gave, by the fields of the section's metrics. */
export type Sample = Record<string, number>

/** Something that is measured. */
export interface Metric {
  readonly field: string
  readonly label: string
  /** Whether more is better. @default false */
  readonly moreIsBetter?: boolean
  /** Whether it tells who is better, and is compared. @default false */
  readonly isCompared?: boolean
}

/** One thing at which contenders are compared: one line of a ratio table. */
export interface Row<Axes> {
  readonly title: string
  /** What tells rows of one title apart. */
  readonly variant?: string
  readonly axes: Axes
  /** Names of the contenders. */
  readonly contenders: readonly string[]
  readonly rounds: number
  /** Major version of Node that carries it out. @default the one asked for by `--node`, or that of the benchmark */
  readonly node?: string | undefined
}

/** A section that is ready to measure. */
export interface OpenSection<Axes> {
  readonly rows: readonly Row<Axes>[]
  readonly measure: (row: Row<Axes>, contender: string) => Promise<Sample>
  readonly close?: () => Promise<unknown>
}

/** One kind of measurement: its rows, how each is measured, and how the report shows it. */
export interface Section<Axes = never> {
  readonly name: string
  readonly title: string
  readonly intro: string
  readonly contenders: readonly Contender[]
  /** The first is the one of ratios and plots. */
  readonly metrics: readonly Metric[]
  /** Contenders over which ratios are shown; the first is in every table. */
  readonly references: readonly string[]
  /** Those of ours that are held against the others. @default all of ours */
  readonly subjects?: readonly string[]
  /** Packages whose versions are told. */
  readonly packages: readonly string[]
  /** Runs side by side, of what disturbs no other. @default 1 */
  readonly lanes?: number
  readonly plot?: {
    readonly title: string
    readonly subtitle: string
    readonly rows: number
    readonly unit: string
  }
  readonly open: (context: Context) => Promise<OpenSection<Axes>>
}

/** What sections measure with. */
export interface Context {
  readonly plan: Plan
  /** Origin of the stub server that serves such items. */
  readonly url: (point: Pick<Point, 'protocol' | 'host' | 'itemBytes'>, layout: LayoutName) => string
  /** Runs a script of `processes/` and resolves with what it writes. */
  readonly run: (script: string, job: unknown, options?: RunOptions) => Promise<Sample>
  readonly contenders: readonly string[] | undefined
}

export interface RunOptions {
  readonly node?: string | undefined
  readonly nodeOptions?: readonly string[]
}

/** How long and how often. Lengths of loads are in CPU time of the contender's process. */
export interface Plan {
  readonly quick: boolean
  /** Which rows: all, without other versions of Node those of a quick run and of the targets, or those of a quick run. */
  readonly extent: 'all' | 'targets' | 'quick'
  /** What `--rounds` asked for. */
  readonly givenRounds: number | undefined
  readonly matrix: boolean
  readonly baseRounds: number
  readonly rounds: number
  readonly warmUpCpuMs: number
  readonly warmUpOperations: number
  readonly measureCpuMs: number
  readonly startupRounds: number
  readonly memoryOperations: number
  readonly costViews: number
  readonly appRequests: number
  readonly scanItems: number
  readonly tailReads: number
  readonly outagePhaseMs: number
}

/** What has been measured of a row. */
export interface MeasuredRow {
  readonly title: string
  readonly variant?: string | undefined
  /** One sample for each round, by contender. */
  readonly samples: Record<string, Sample[]>
}

/** Where and with what something was measured. */
export interface RunFacts {
  readonly date: string
  readonly quick: boolean
  /** How many rounds `--rounds` asked for. */
  readonly rounds?: number | undefined
  readonly cpu: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly platform: string
  readonly node: string
  readonly loadAverageBefore: number
  readonly versions: Record<string, string>
}

export interface SectionResults {
  readonly facts: RunFacts
  readonly rows: MeasuredRow[]
}

/** What has been measured so far; each section may come from another run. */
export type Results = Record<string, SectionResults>
