import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { ConfigurationError } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/**
 * Reads the certificates of a file.
 *
 * @param source who names the file: `the environment variable AWS_CA_BUNDLE`.
 * @returns the certificates in PEM.
 * @throws {ConfigurationError} when the file cannot be read, or holds none, or one that is broken.
 */
export async function readCaBundle(path: string, source: string): Promise<readonly string[]> {
  const named = `the file ${path} that ${source} names`
  let text: string
  try {
    text = await readFile(path, 'latin1')
  } catch (cause) {
    throw new ConfigurationError(
      'INVALID_SETTING',
      `${named} cannot be read (${codeOf(cause) ?? 'unknown error'}); correct the path, or remove the setting`,
      { cause },
    )
  }
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0 || !certificates.every(isReadable)) {
    const trouble = certificates.length === 0 ? 'holds no certificate' : 'holds a certificate that is broken'
    throw new ConfigurationError(
      'INVALID_SETTING',
      `${named} ${trouble}; it has to hold certificates in PEM, which begin with -----BEGIN CERTIFICATE-----`,
    )
  }
  return certificates
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0
  } catch {
    return false
  }
}
