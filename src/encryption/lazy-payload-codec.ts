import type { PayloadCodecOptions } from './encryption-options.ts'
import type { PayloadCodec } from './payload-codec.ts'

/**
 * Loads what compresses and encrypts when it is first needed, and keeps one for all: deriving keys is costly. The caller's
 * array and bytes are copied now, because they may change until then.
 *
 * @returns a function for one whose keys are ready.
 */
export function lazyPayloadCodec({
  encryption,
  compression,
}: PayloadCodecOptions): () => Promise<PayloadCodec> {
  const given = {
    encryption: encryption && {
      keys: encryption.keys.map(key => (typeof key === 'string' ? key : Uint8Array.from(key))),
      unencrypted: encryption.unencrypted,
    },
    compression,
  }
  let codec: PayloadCodec | undefined
  return async () => {
    const module = await import('./payload-codec.ts')
    codec ??= new module.PayloadCodec(given)
    await codec.prepare()
    return codec
  }
}
