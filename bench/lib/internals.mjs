/*
 * The parts of our package that it does not export but that are worth measuring by themselves: modules as they are
 * compiled, because the package has them merged with others.
 */

/** @returns {Promise<typeof import('../../build/store/open-client.js')>} */
export async function importConnection() {
  return import('../../build/store/open-client.js')
}

/**
 * @returns {Promise<
 *   typeof import('../../build/aws/sigv4/sign.js') & typeof import('../../build/aws/sigv4/signing-key.js')
 * >}
 */
export async function importSigner() {
  const [postSigner, signingKey] = await Promise.all([
    import('../../build/aws/sigv4/sign.js'),
    import('../../build/aws/sigv4/signing-key.js'),
  ])
  return { ...postSigner, ...signingKey }
}
