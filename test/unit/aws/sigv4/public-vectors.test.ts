import { existsSync, readFileSync } from 'node:fs'

import { canonicalRequest, type Header, sha256Hex, signRequest } from '../../../../src/aws/sigv4/sign.ts'
import { describe, expect, it } from 'vitest'

interface VectorFile {
  readonly count: number
  readonly vectors: readonly PublicVector[]
}

interface PublicVector {
  readonly name: string
  readonly class: string
  readonly context: {
    readonly region: string
    readonly service: string
    readonly timestamp: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken: string | null
    readonly normalize: boolean
    readonly signBody: boolean
    readonly omitSessionToken: boolean
  }
  readonly request: {
    readonly method: string
    readonly path: string
    readonly query: string
    readonly headers: readonly Header[]
    readonly body: string
  }
  readonly canonicalRequest: string
  readonly stringToSign: string
  readonly signature: string
  readonly signedHeaders: string
  readonly authorization: string
}

// AWS's own signing test suite, which is not part of this repository, is checked where it lies next to it.
const vectorFile = new URL('../../../../../shared/data/sigv4-vectors.json', import.meta.url)
const suite = existsSync(vectorFile) ? readSuite() : { count: 0, vectors: [] }

function readSuite(): VectorFile {
  const parsed: unknown = JSON.parse(readFileSync(vectorFile, 'utf8'))
  if (!isVectorFile(parsed)) throw new TypeError(`${vectorFile.href} is not a list of signing vectors`)
  return parsed
}

function isVectorFile(value: unknown): value is VectorFile {
  return typeof value === 'object' && value !== null && 'vectors' in value && Array.isArray(value.vectors)
}

function credentialsOf({ context }: PublicVector) {
  const { accessKeyId, secretAccessKey, sessionToken } = context
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? undefined }
}

describe('the signing test suite of AWS', () => {
  it.skipIf(!existsSync(vectorFile))('is at hand and complete', () => {
    expect(suite.vectors).toHaveLength(suite.count)
    expect(suite.count).toBeGreaterThan(0)
  })

  // What only other services ask for, and this package does not do: paths as they are (S3), a signed hash of the body (S3),
  // and session tokens that are added after signing.
  const ours = suite.vectors.filter(
    ({ context: { normalize, signBody, omitSessionToken } }) => normalize && !signBody && !omitSessionToken,
  )

  it.each(ours)('$class: $name', vector => {
    const { context, request } = vector
    const headers = signRequest(request, {
      credentials: credentialsOf(vector),
      region: context.region,
      service: context.service,
      date: new Date(context.timestamp),
    })
    const canonical = canonicalRequest(
      {
        ...request,
        headers: [...request.headers, ...headers].filter(([name]) => name.toLowerCase() !== 'authorization'),
      },
      sha256Hex(request.body),
    )
    expect(canonical).toEqual({ text: vector.canonicalRequest, signedHeaders: vector.signedHeaders })
    expect(new Map(headers).get('authorization')).toBe(vector.authorization)
    expect(vector.authorization).toContain(`Signature=${vector.signature}`)
  })
})
