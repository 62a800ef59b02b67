/*
 * The parts of our package that it does not export but that are worth measuring by themselves: modules as they are
 * compiled, because the package has them merged with others.
 */

/** @returns {Promise<typeof import('../../build/store/open-client.js')>} */
export async function importConnection() {
  return import('../../build/store/open-client.js')
}

/**
 * Makes a function that signs the bodies of requests by POST for the present second, as cheaply as the package does.
 *
 * @param {string} host
 * @param {readonly (readonly [string, string])[]} headers without `host`
 * @param {{ accessKeyId: string, secretAccessKey: string }} credentials
 * @param {string} region
 * @returns {Promise<(body: string) => { amzDate: string, authorization: string }>}
 */
export async function makeSigner(host, headers, credentials, region) {
  const { SignatureTemplate } = await import('../../build/aws/sigv4/sign.js')
  const request = {
    method: 'POST',
    path: '/',
    query: '',
    headers: [/** @type {const} */ (['host', host]), ...headers],
  }
  let second = 0
  let amzDate = ''
  let start = ''
  /** @type {InstanceType<typeof SignatureTemplate> | undefined} */
  let template
  return body => {
    const now = Math.floor(Date.now() / 1000)
    if (template === undefined || now !== second) {
      second = now
      template = new SignatureTemplate(request, {
        credentials,
        region,
        service: 'dynamodb',
        date: new Date(now * 1000),
      })
      const added = new Map(template.headers())
      amzDate = added.get('x-amz-date') ?? ''
      start = added.get('authorization') ?? ''
    }
    return { amzDate, authorization: start + template.signatureOf(body) }
  }
}
