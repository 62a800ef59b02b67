import { createSecureContext, type SecureContext } from 'node:tls'

import { createAuthority, createCertificate, type KeyPair } from '../certificates.ts'
import type { ConnectionFault } from './fault.ts'

/** The certificates that a rig shows: one that is right for `localhost`, and the wrong ones. */
export interface RigCertificates {
  /** What a client has to trust, PEM. */
  readonly ca: string
  /** What a connection with this fault shows. */
  readonly contextFor: (fault: ConnectionFault | undefined) => SecureContext
}

/** Makes the certificates; all but the self-signed one come from one authority. */
export async function createRigCertificates(): Promise<RigCertificates> {
  const authority = await createAuthority('fault rig')
  const [right, foreign, expired, selfSigned] = await Promise.all([
    createCertificate({ authority }),
    createCertificate({ authority, hostnames: ['elsewhere.example'] }),
    createCertificate({ authority, expired: true }),
    createCertificate(),
  ])
  const rightContext = contextOf(right)
  const wrong = new Map<ConnectionFault | undefined, SecureContext>([
    ['certificate-of-another-host', contextOf(foreign)],
    ['certificate-expired', contextOf(expired)],
    ['certificate-self-signed', contextOf(selfSigned)],
  ])
  return { ca: authority.cert, contextFor: fault => wrong.get(fault) ?? rightContext }
}

function contextOf({ key, cert }: KeyPair): SecureContext {
  return createSecureContext({ key, cert })
}
