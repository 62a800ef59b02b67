import { describe, expect, it } from 'vitest'
import { deriveSigningKey } from '../../../../src/aws/sigv4/sign.ts'
import { exampleKeys, signingKeyVectors } from './vectors.ts'

describe('deriveSigningKey', () => {
  it.each(signingKeyVectors)('derives the documented key of $date', vector => {
    const signingKey = deriveSigningKey(
      exampleKeys.secretAccessKey,
      vector.date,
      vector.region,
      vector.service,
    )
    expect(Buffer.from(signingKey).toString('hex')).toBe(vector.signingKey)
  })
})
