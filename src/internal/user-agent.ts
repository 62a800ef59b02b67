/** The version of this package, as package.json has it. */
export const VERSION = '0.1.0'

/** How this package names itself to AWS, with the name of the application where it has one. */
export function userAgent(appId: string | undefined): string {
  return `dynamodb-sessions/${VERSION}${appId === undefined ? '' : ` app/${appId}`}`
}

/** As long a name as AWS takes. */
const MAX_APP_ID_LENGTH = 50

/**
 * The name of an application as it may stand in a `User-Agent`; what may not be there becomes `-`.
 *
 * @returns `undefined` for a name of more than 50 characters.
 */
export function toAppId(text: string): string | undefined {
  return text.length > MAX_APP_ID_LENGTH ? undefined : text.replaceAll(/[^!$%&'*+\-.^_`|~\w#]/g, '-')
}

/**
 * Makes the function that finds the trace that a request belongs to, in AWS Lambda, which thereby recognises functions that
 * call themselves without an end; elsewhere there is none. The variable has another value in every invocation.
 */
export function lambdaTrace(
  environment: Readonly<Record<string, string | undefined>>,
): () => string | undefined {
  let isLambda: boolean | undefined
  return () => {
    isLambda ??= Boolean(environment['AWS_LAMBDA_FUNCTION_NAME'])
    const traceId = isLambda ? environment['_X_AMZN_TRACE_ID'] : undefined
    return traceId !== undefined && /^[\x21-\x7e]{1,1024}$/.test(traceId) ? traceId : undefined
  }
}
