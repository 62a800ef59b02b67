import { describe, expect, it } from 'vitest'

import { certificateRejected, connectFailed, isTlsCode } from '../../../../src/aws/http/connect-failure.ts'
import { parseEndpoint } from '../../../../src/aws/http/endpoint.ts'

function failure(code: string | undefined): Parameters<typeof connectFailed>[0] {
  return {
    endpoint: parseEndpoint('https://dynamodb.example:8443'),
    code,
    cause: undefined,
    otherwise: 'it did not work',
    retryable: true,
    trustAdvice: 'have it trusted',
  }
}

const rejected = 'CERTIFICATE_REJECTED'
const failed = 'CONNECTION_FAILED'
const origin = 'https://dynamodb.example:8443'

describe('the error for a connection that could not be made', () => {
  it.each([
    ['ECONNREFUSED', failed, `could not connect to ${origin} (`, /check that the server is running/],
    ['ENOTFOUND', failed, 'the host name dynamodb.example could not', /the spelling of the region/],
    ['EAI_AGAIN', failed, 'the host name dynamodb.example could not', /name server/],
    ['EHOSTUNREACH', failed, `could not connect to ${origin} (`, /check the network/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', failed, `there is no TLS at ${origin} (`, /http:\/\//],
    ['EPROTO', failed, `the TLS handshake with ${origin} failed (`, /which port/],
    [
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      failed,
      `the TLS handshake with ${origin} failed (`,
      /versions/,
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      rejected,
      `the TLS certificate of ${origin} is for another`,
      /host name/,
    ],
    ['CERT_HAS_EXPIRED', rejected, `the TLS certificate of ${origin} has expired (`, /renewed, or .* clock/],
    ['CERT_NOT_YET_VALID', rejected, `the TLS certificate of ${origin} is not valid yet (`, /clock/],
    ['SELF_SIGNED_CERT_IN_CHAIN', rejected, `the TLS certificate of ${origin} was`, /own, have it trusted$/],
  ])('of %s says what is wrong and what to do, in one line', (code, kind, problem, remedy) => {
    const error = connectFailed(failure(code))
    const [before = '', after = ''] = error.message.split('; ')
    expect(error.code).toBe(kind)
    expect(before).toContain(problem)
    expect(before).toContain(`(${code})`)
    expect(after).toMatch(remedy)
    expect(error.message).not.toContain('\n')
  })

  it.each([undefined, 'ECONNRESET', 'toString', 'constructor'])('of %s is what its caller says', code => {
    expect(connectFailed(failure(code))).toMatchObject({ code: failed, message: 'it did not work' })
  })

  it('advises to trust a certificate only where nothing else is wrong with it', () => {
    expect(certificateRejected(failure('CERT_HAS_EXPIRED')).message).not.toContain('have it trusted')
    expect(certificateRejected(failure('OF_TOMORROW')).message).toBe(
      `the TLS certificate of ${origin} was rejected (OF_TOMORROW); ` +
        'if it is signed by a certificate authority of your own, have it trusted',
    )
  })
})

describe('isTlsCode', () => {
  it('tells failures of TLS from others', () => {
    expect(
      ['EPROTO', 'ERR_SSL_X', 'CERT_HAS_EXPIRED', 'ECONNRESET', 'UND_ERR_SOCKET'].map(isTlsCode),
    ).toEqual([true, true, true, false, false])
  })
})
