import { generate } from 'selfsigned'

/** A certificate and its private key, in PEM. */
export interface KeyPair {
  readonly key: string
  readonly cert: string
}

/** What a certificate is for. */
export interface CertificateOptions {
  /** The authority that signs it; without one it is signed by itself. */
  readonly authority?: KeyPair
  /** Host names it is valid for. @default ['localhost'] */
  readonly hostnames?: readonly string[]
  /** IP addresses it is valid for. @default [] */
  readonly addresses?: readonly string[]
  /** Whether its validity has ended. @default false */
  readonly expired?: boolean
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Makes a certificate authority. */
export async function createAuthority(name: string): Promise<KeyPair> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { key, cert }
}

/** Makes the certificate of a server. */
export async function createCertificate({
  authority,
  hostnames = ['localhost'],
  addresses = [],
  expired = false,
}: CertificateOptions = {}): Promise<KeyPair> {
  const nowMs = Date.now()
  const { private: key, cert } = await generate([{ name: 'commonName', value: hostnames[0] ?? 'server' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - 30 * DAY_MS),
    notAfterDate: new Date(nowMs + (expired ? -DAY_MS : 30 * DAY_MS)),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...hostnames.map(value => ({ type: 2 as const, value })),
          ...addresses.map(ip => ({ type: 7 as const, ip })),
        ],
      },
    ],
    ...(authority !== undefined && { ca: authority }),
  })
  return { key, cert }
}
