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
    request(options: object): Promise<{ statusCode: number; body: { json(): Promise<unknown> } }>
  }
}
