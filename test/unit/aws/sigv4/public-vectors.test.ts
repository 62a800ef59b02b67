import { existsSync, readFileSync } from 'node:fs'

import type { Header } from '../../../../src/aws/sigv4/canonical-request.ts'
import { PostSigner, signRequest } from '../../../../src/aws/sigv4/sign.ts'
import { SigningKeyCache } from '../../../../src/aws/sigv4/signing-key.ts'
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
const vectorFile = new URL('../../../../shared/data/sigv4-vectors.json', import.meta.url)
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

  it.each(suite.vectors)('$class: $name', vector => {
    const { context } = vector
    const signed = signRequest(vector.request, {
      credentials: credentialsOf(vector),
      region: context.region,
      service: context.service,
      date: new Date(context.timestamp),
      normalizePath: context.normalize,
      sendPayloadHash: context.signBody,
      signSessionToken: !context.omitSessionToken,
    })
    expect(signed.canonicalRequest).toBe(vector.canonicalRequest)
    expect(signed.stringToSign).toBe(vector.stringToSign)
    expect(signed.signature).toBe(vector.signature)
    expect(signed.signedHeaders).toBe(vector.signedHeaders)
    expect(new Map(signed.headers).get('authorization')).toBe(vector.authorization)
  })

  it.each(suite.vectors.filter(vector => vector.class === 'post-root' && !vector.context.signBody))(
    'PostSigner: $name',
    vector => {
      const { context, request } = vector
      const host = new Map(request.headers).get('Host')
      const signer = new PostSigner(
        {
          host: host ?? '',
          path: request.path,
          headers: request.headers
            .filter(([name]) => name !== 'Host')
            .map(([name, value]) => [name.toLowerCase(), value]),
        },
        {
          credentials: credentialsOf(vector),
          region: context.region,
          service: context.service,
          signingKeys: new SigningKeyCache(),
        },
      )
      const { authorization } = signer.sign(request.body, Date.parse(context.timestamp))
      expect(authorization).toBe(vector.authorization)
    },
  )
})
