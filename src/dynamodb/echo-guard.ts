import type { Credentials } from '../types.ts'

const WITHHELD = 'the message repeats parts of the request and is withheld'
const MIN_SECRET_LENGTH = 6

/**
 * The message of an error answer, unless it repeats what must not reach a log (G9): the secrets of the
 * credentials, or the session ID and session data that the request carried.
 *
 * DynamoDB's own messages do not do that today; proxies and stand-ins for DynamoDB may answer anything.
 *
 * @param input the operation's input; every text in its `Key`, `Item` and `ExpressionAttributeValues` counts.
 */
export function withheldMessage(message: string, input: object, credentials: Credentials): string {
  const secrets = [credentials.secretAccessKey, credentials.sessionToken ?? '']
  for (const [field, value] of Object.entries(input)) {
    if (
      field === 'Key' ||
      field === 'Item' ||
      field === 'ExpressionAttributeValues' ||
      field === 'RequestItems'
    ) {
      collectTexts(value, secrets)
    }
  }
  const repeats = secrets.some(secret => secret.length >= MIN_SECRET_LENGTH && message.includes(secret))
  return repeats ? WITHHELD : message
}

function collectTexts(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value)
  else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) collectTexts(member, texts)
  }
}
