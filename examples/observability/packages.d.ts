// What the example uses of other packages, so that it can be checked where they are not installed.

declare module '@opentelemetry/api' {
  export type AttributeValue = string | number | boolean | readonly string[]
  export type Attributes = Record<string, AttributeValue | undefined>
  export interface Context {
    getValue(key: symbol): unknown
  }
  export interface Span {
    setAttributes(attributes: Attributes): this
    setStatus(status: { code: number; message?: string }): this
    end(): void
  }
  export interface Tracer {
    startSpan(name: string, options: { kind: number; attributes: Attributes }, parent: Context): Span
    startActiveSpan<Result>(name: string, options: { kind: number }, work: (span: Span) => Result): Result
  }
  export const context: { active(): Context }
  export const trace: {
    getTracer(name: string): Tracer
    setSpan(context: Context, span: Span): Context
  }
  export const SpanKind: { readonly INTERNAL: 0; readonly SERVER: 1; readonly CLIENT: 2 }
  export const SpanStatusCode: { readonly ERROR: 2 }
}

declare module '@opentelemetry/sdk-trace-node' {
  export const ConsoleSpanExporter: new () => object
  export const SimpleSpanProcessor: new (exporter: object) => object
  export class NodeTracerProvider {
    constructor(options: { spanProcessors: readonly object[] })
    register(): void
    shutdown(): Promise<void>
  }
}

declare module 'prom-client' {
  export class Registry {
    readonly contentType: string
    metrics(): Promise<string>
  }
  interface Definition<Label extends string> {
    name: string
    help: string
    labelNames?: readonly Label[]
    registers: readonly Registry[]
  }
  type Labels<Label extends string> = Partial<Record<Label, string | number>>
  export class Counter<Label extends string> {
    constructor(definition: Definition<Label>)
    inc(labels: Labels<Label>, value?: number): void
  }
  export class Gauge<Label extends string> {
    constructor(definition: Definition<Label>)
    inc(labels: Labels<Label>): void
    dec(labels: Labels<Label>): void
    set(labels: Labels<Label>, value: number): void
  }
  export class Histogram<Label extends string> {
    constructor(definition: Definition<Label> & { buckets: readonly number[] })
    observe(labels: Labels<Label>, value: number): void
  }
}
