/*
 * The parts of the installed package that it does not export but that are worth measuring by themselves.
 */

const dist = new URL('../node_modules/dynamodb-sessions/dist/', import.meta.url)

/** @returns {Promise<typeof import('../../dist/session/connection.js')>} */
export async function importConnection() {
  return /** @type {Promise<typeof import('../../dist/session/connection.js')>} */ (
    import(new URL('session/connection.js', dist).href)
  )
}

/**
 * @returns {Promise<
 *   typeof import('../../dist/sigv4/post-signer.js') & typeof import('../../dist/sigv4/signing-key.js')
 * >}
 */
export async function importSigner() {
  const postSigner = /** @type {Promise<typeof import('../../dist/sigv4/post-signer.js')>} */ (
    import(new URL('sigv4/post-signer.js', dist).href)
  )
  const signingKey = /** @type {Promise<typeof import('../../dist/sigv4/signing-key.js')>} */ (
    import(new URL('sigv4/signing-key.js', dist).href)
  )
  return { ...(await postSigner), ...(await signingKey) }
}
