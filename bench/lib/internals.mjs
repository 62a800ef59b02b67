/*
 * The parts of our package that it does not export but that are worth measuring by themselves: modules as they are
 * compiled, because the package has them merged with others.
 */

/** @returns {Promise<typeof import('../../build/session/connection.js')>} */
export async function importConnection() {
  return import('../../build/session/connection.js')
}

/**
 * @returns {Promise<
 *   typeof import('../../build/sigv4/post-signer.js') & typeof import('../../build/sigv4/signing-key.js')
 * >}
 */
export async function importSigner() {
  const [postSigner, signingKey] = await Promise.all([
    import('../../build/sigv4/post-signer.js'),
    import('../../build/sigv4/signing-key.js'),
  ])
  return { ...postSigner, ...signingKey }
}
