import type { FunctionResult } from './runtime-api.ts'

/** A sender of events that stand for HTTP requests: what it sends, and what it reads of the result. */
export interface EventSource {
  readonly eventOf: (path: string, cookies: readonly string[]) => object
  /** The `Set-Cookie` headers that the client gets. */
  readonly cookiesOf: (result: FunctionResult) => readonly string[]
}

const HOST = 'shop.example.com'
const headers = { host: HOST, 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1', accept: '*/*' }
const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
const elb = {
  targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/0123456789abcdef',
}

/** The value of a `Cookie` header, where there are cookies. */
function withCookie<Value>(
  cookies: readonly string[],
  value: (text: string) => Value,
): Record<string, Value> {
  return cookies.length === 0 ? {} : { cookie: value(cookies.join('; ')) }
}

function version2(domainName: string): EventSource {
  return {
    eventOf: (path, cookies) => ({
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: '',
      ...(cookies.length > 0 && { cookies }),
      headers: { ...headers, host: domainName },
      requestContext: {
        accountId: '111122223333',
        apiId: 'abc',
        domainName,
        domainPrefix: 'abc',
        http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
        requestId: 'request',
        routeKey: '$default',
        stage: '$default',
        time: '01/Dec/2026:12:00:00 +0000',
        timeEpoch: 1_796_126_400_000,
      },
      isBase64Encoded: false,
    }),
    cookiesOf: result => result.cookies ?? [],
  }
}

function version1(fields: object): EventSource {
  return {
    eventOf: (path, cookies) => ({
      ...fields,
      resource: '/{proxy+}',
      path,
      httpMethod: 'GET',
      // REST APIs leave the names of headers as the client has written them.
      headers: { ...headers, ...rename(withCookie(cookies, text => text)) },
      multiValueHeaders: { ...multiValueHeaders, ...rename(withCookie(cookies, text => [text])) },
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      pathParameters: null,
      stageVariables: null,
      requestContext: {
        accountId: '111122223333',
        apiId: 'abc',
        domainName: HOST,
        httpMethod: 'GET',
        identity: { sourceIp: '192.0.2.1', userAgent: 'test' },
        path,
        protocol: 'HTTP/1.1',
        requestId: 'request',
        requestTimeEpoch: 1_796_126_400_000,
        resourcePath: '/{proxy+}',
        stage: 'prod',
      },
      body: null,
      isBase64Encoded: false,
    }),
    cookiesOf: result => [...single(result), ...multiple(result)],
  }
}

function loadBalancer(isMultiValue: boolean): EventSource {
  return {
    eventOf: (path, cookies) => ({
      requestContext: { elb },
      httpMethod: 'GET',
      path,
      ...(isMultiValue
        ? {
            multiValueQueryStringParameters: {},
            multiValueHeaders: { ...multiValueHeaders, ...withCookie(cookies, text => [text]) },
          }
        : { queryStringParameters: {}, headers: { ...headers, ...withCookie(cookies, text => text) } }),
      body: '',
      isBase64Encoded: false,
    }),
    // It reads one of the two fields, by its setting.
    cookiesOf: isMultiValue ? multiple : single,
  }
}

function rename<Value>({ cookie, ...rest }: Readonly<Record<string, Value>>): Record<string, Value> {
  return cookie === undefined ? rest : { ...rest, Cookie: cookie }
}

function single({ headers: found = {} }: FunctionResult): readonly string[] {
  return Object.entries(found).flatMap(([name, value]) =>
    name.toLowerCase() === 'set-cookie' ? [value] : [],
  )
}

function multiple({ multiValueHeaders: found = {} }: FunctionResult): readonly string[] {
  return Object.entries(found).flatMap(([name, values]) =>
    name.toLowerCase() === 'set-cookie' ? values : [],
  )
}

const functionUrl = version2('abc.lambda-url.eu-west-1.on.aws')

/** What sends events to functions. */
export const eventSources: Readonly<Record<string, EventSource>> = {
  'REST API': version1({}),
  'HTTP API, payload 1.0': version1({ version: '1.0' }),
  'HTTP API, payload 2.0': version2('abc.execute-api.eu-west-1.amazonaws.com'),
  'function URL': functionUrl,
  'load balancer': loadBalancer(false),
  'load balancer with multi-value headers': loadBalancer(true),
}

/** A browser behind a sender of events, by default a function URL: it keeps cookies. */
export class Client {
  readonly #source: EventSource
  readonly #cookies = new Map<string, string>([['theme', 'theme=dark']])

  constructor(source: EventSource = functionUrl) {
    this.#source = source
  }

  /** The event for its next request. */
  eventFor(path = '/'): object {
    return this.#source.eventOf(path, [...this.#cookies.values()])
  }

  /** Takes a result over, as the sender of the event passes it on. */
  receive(result: FunctionResult): FunctionResult {
    for (const cookie of this.#source.cookiesOf(result)) {
      const [pair = ''] = cookie.split(';')
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair)
    }
    return result
  }
}
