import { generate } from 'selfsigned'

/** @typedef {{ key: string, cert: string }} KeyPair A certificate and its private key, in PEM. */

/**
 * Makes a certificate authority and a certificate for 127.0.0.1 that it signed.
 *
 * @returns {Promise<{ authority: KeyPair, server: KeyPair }>}
 */
export async function createCertificates() {
  // RSA, as AWS has it: verifying an RSA signature is part of every contender's first read.
  const common = /** @type {const} */ ({ keyType: 'rsa', keySize: 2048, algorithm: 'sha256' })
  const { private: caKey, cert: caCert } = await generate([{ name: 'commonName', value: 'Bench CA' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const authority = { key: caKey, cert: caCert }
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  })
  return { authority, server: { key, cert } }
}
