// What the benchmark uses of the contenders, so that it can be checked where they are not installed.

declare module '@aws-sdk/client-dynamodb' {
  export class DynamoDBClient {
    constructor(options: object)
    send(command: object): Promise<{ $metadata: object; Item?: object }>
  }
  type Command = new (input: object) => object
  export const GetItemCommand: Command
  export const PutItemCommand: Command
  export const UpdateItemCommand: Command
  export const DeleteItemCommand: Command
  export function paginateScan(
    configuration: { client: DynamoDBClient },
    input: object,
  ): AsyncIterable<{ Items?: Record<string, { S?: string }>[] }>
}

declare module 'connect-dynamodb' {
  interface Store {
    get(sid: string, callback: (error: unknown, session?: object | null) => void): void
    set(sid: string, session: object, callback: (error?: unknown) => void): void
    touch(sid: string, session: object, callback: (error?: unknown) => void): void
    createSession(request: object, data: object): object
  }
  export default function connectDynamoDB(session: object): new (options: object) => Store
}

declare module 'aws4fetch' {
  export class AwsClient {
    constructor(options: object)
    fetch(url: string, options: object): Promise<{ ok: boolean; status: number; json(): Promise<unknown> }>
  }
}

declare module '@aws-lite/client' {
  type Method = (input: object) => Promise<{ Item?: object }>
  export default function createClient(
    options: object,
  ): Promise<{ DynamoDB: Record<'GetItem' | 'PutItem' | 'UpdateItem', Method> }>
}

declare module '@aws-lite/dynamodb' {
  const plugin: object
  export default plugin
}

declare module 'aws4' {
  const aws4: {
    sign(request: object, credentials: object): { headers: Record<string, string> }
  }
  export default aws4
}

declare module 'undici' {
  export class Pool {
    constructor(origin: string, options: object)
    request(options: object): Promise<{ statusCode: number; body: { text(): Promise<string> } }>
  }
}
declare module 'dynamodb-store' {
  interface Store {
    get(sid: string, callback: (error: unknown, session?: object | null) => void): void
  }
  const Store: new (options: object, callback: (error?: unknown) => void) => Store
  export default Store
}

declare module 'echarts' {
  export function init(
    element: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void }
}

declare module 'markdown-table' {
  export function markdownTable(
    table: readonly (readonly string[])[],
    options: { align: readonly ('l' | 'r')[] },
  ): string
}

declare module 'simple-statistics' {
  export function max(values: readonly number[]): number
  export function median(values: readonly number[]): number
  export function min(values: readonly number[]): number
  export function quantileSorted(sorted: ArrayLike<number>, share: number): number
}
