import { isObject } from '../../internal/core-objects.ts'
import type { TransportResponse } from '../http/transport.ts'
import { requestIdIn } from '../../internal/message-text.ts'
import type { Credentials } from '../../types.ts'
import { actionsOf } from './operations.ts'
import type { WireError } from './wire-error.ts'

const WITHHELD = 'the message repeats parts of the request and is withheld'

/** What the codes of AWS look like, on which much depends: a session may hold one, as the text of an error that it met. */
const KNOWN_CODE =
  /^(?:[A-Z][A-Za-z]{1,60}(?:Exception|Error|Exceeded|Failed)|None|TransactionConflict|DuplicateItem|RequestTimeTooSkewed)$/

/** Shorter texts occur in messages by chance. */
const MIN_SECRET_LENGTH = 6

/** So many characters in a row of a secret are no chance. */
const TELLING_LENGTH = 16

/** Only every so many characters are tried as the first of a row, to save time on sessions of 400 KB. */
const STRIDE = 4

/** Fields of an input that hold session IDs and session data. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'Key',
  'Item',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'RequestItems',
])

/**
 * An error response without what must not reach a log (G9): the secrets of the credentials, or the session ID and session
 * data that the request carried, whole, in part, or as the JSON of the request has them.
 *
 * DynamoDB quotes values in some of its messages; proxies and stand-ins for DynamoDB may answer anything.
 *
 * @param input the operation's input; every text in the fields that hold keys, items and values counts.
 */
export function redactSecrets(wire: WireError, input: object, credentials: Credentials): WireError {
  const secrets = secretsOf(input, credentials)
  const { awsCode, message, requestId, cancellationCodes } = wire
  const isTelling = (text: string): boolean => repeatsOneOf(secrets, text)
  const isTellingCode = (code: string): boolean => !KNOWN_CODE.test(code) && isTelling(code)
  return {
    ...wire,
    awsCode: isTellingCode(awsCode) ? 'Unknown' : awsCode,
    message: isTelling(message) ? WITHHELD : message,
    requestId: requestId !== undefined && isTelling(requestId) ? undefined : requestId,
    cancellationCodes: cancellationCodes?.map(code => (isTellingCode(code) ? 'Unknown' : code)),
  }
}

/** The request ID of a response, unless it is none or repeats what {@link redactSecrets} takes away. */
export function shownRequestId(
  { headers }: TransportResponse,
  input: object,
  credentials: Credentials,
): string | undefined {
  const id = requestIdIn(headers.get('x-amzn-requestid'))
  return id !== undefined && repeatsOneOf(secretsOf(input, credentials), id) ? undefined : id
}

function secretsOf(input: object, credentials: Credentials): readonly string[] {
  const secrets = [credentials.secretAccessKey, credentials.sessionToken ?? '']
  for (const action of actionsOf(input)) {
    for (const [field, value] of Object.entries(action)) {
      if (SECRET_FIELDS.has(field)) collectTexts(value, secrets)
    }
  }
  return secrets.map(withoutEscapes)
}

function repeatsOneOf(secrets: readonly string[], text: string): boolean {
  const unescaped = withoutEscapes(text)
  return secrets.some(secret => repeats(unescaped, secret))
}

/** Whether a message contains a secret or, of a long one, 19 characters in a row (some rows of 16 count, too). */
function repeats(message: string, secret: string): boolean {
  if (secret.length < MIN_SECRET_LENGTH) return false
  if (secret.length <= TELLING_LENGTH) return message.includes(secret)
  for (let start = 0; start + TELLING_LENGTH <= message.length; start += STRIDE) {
    if (secret.includes(message.slice(start, start + TELLING_LENGTH))) return true
  }
  return false
}

/** Texts are compared without backslashes: JSON inside JSON has more of them, otherwise it is the same. */
function withoutEscapes(text: string): string {
  return text.replaceAll('\\', '')
}

function collectTexts(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value)
  else if (isObject(value)) {
    for (const member of Object.values(value)) collectTexts(member, texts)
  }
}
