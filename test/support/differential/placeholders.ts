import { createHash, generateKeyPairSync } from 'node:crypto'

/** What placeholders stand for. */
export interface PlaceholderValues {
  readonly home: string
  /** URLs of the servers by name. */
  readonly urls: ReadonlyMap<string, string>
}

const PLACEHOLDER = /\{(home|dpopKey|(?:url|in|sha1|sha256):[^{}]+)\}/g

let dpopKey: string | undefined

/** Replaces the placeholders in every text of a value. */
export function expanded(value: unknown, values: PlaceholderValues): unknown {
  if (typeof value === 'string') return expandedText(value, values)
  if (Array.isArray(value)) return value.map(element => expanded(element, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expanded(inner, values)]))
}

/** Replaces the placeholders in a text. */
export function expandedText(text: string, { home, urls }: PlaceholderValues): string {
  return text.replaceAll(PLACEHOLDER, (whole, placeholder: string) => {
    const colon = placeholder.indexOf(':')
    const kind = colon === -1 ? placeholder : placeholder.slice(0, colon)
    const argument = colon === -1 ? '' : placeholder.slice(colon + 1)
    switch (kind) {
      case 'home':
        return home
      case 'dpopKey':
        return signingKey()
      case 'url':
        return urls.get(argument) ?? whole
      case 'in':
        return new Date(Date.now() + Number(argument) * 1000).toISOString()
      default:
        return createHash(kind).update(argument).digest('hex')
    }
  })
}

/** Puts placeholders where a text names the home directory or a server, whose names differ from run to run. */
export function withPlaceholders(text: string, { home, urls }: PlaceholderValues): string {
  let result = text.replaceAll(home, '{home}')
  for (const [name, url] of urls) result = result.replaceAll(url, `{url:${name}}`)
  return result
}

function signingKey(): string {
  dpopKey ??= generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  return dpopKey
}
