import type { FakeServiceRequest } from '../fake-sso.ts'
import type { ServerName } from './scenario.ts'

const GENERATED_SESSION_NAME = /^(?:aws-sdk-js(?:-session)?|dynamodb-sessions)-\d+$/

/**
 * One line for what matters in a request: what it asks for, with whose authority. What two implementations are free to
 * choose (header order, names they generate) is left out.
 */
export function describeRequest(server: ServerName, request: FakeServiceRequest): string {
  const { line, headers, body } = request
  switch (server) {
    case 'metadata':
      return `${line}${detail('token', headers['x-aws-ec2-metadata-token'])}`
    case 'container':
      return `${line}${detail('authorization', headers.authorization)}`
    case 'sts':
      return `${line} ${describeForm(body)}, ${signer(headers.authorization)}`
    case 'portal':
      return `${withSortedQuery(line)}${detail('bearer', headers['x-amz-sso_bearer_token'])}, ${signer(headers.authorization)}`
    case 'oidc':
    case 'signIn':
      return `${line} ${describeJson(body)}${'dpop' in headers ? ', DPoP' : ''}, ${signer(headers.authorization)}`
  }
}

/** Whose signature it is and for which region: `signed by AKID in eu-west-1`. */
export function signer(authorization: string | undefined): string {
  const [, accessKeyId, region] = /Credential=([^/]*)\/\d+\/([^/]*)\//.exec(authorization ?? '') ?? []
  return accessKeyId === undefined ? 'unsigned' : `signed by ${accessKeyId} in ${region}`
}

function detail(name: string, value: string | string[] | undefined): string {
  return value === undefined ? '' : `, ${name} ${JSON.stringify(value)}`
}

function withSortedQuery(line: string): string {
  const [target = '', query = ''] = line.split('?')
  return `${target}?${query.split('&').sort().join('&')}`
}

function describeForm(body: string): string {
  const fields = [...new URLSearchParams(body)]
    .filter(([name]) => name !== 'Version')
    .map(([name, value]) => {
      const shown = name === 'RoleSessionName' && GENERATED_SESSION_NAME.test(value) ? '<generated>' : value
      return `${name}=${shown}`
    })
  return fields.sort().join(' ')
}

function describeJson(body: string): string {
  const parsed: unknown = JSON.parse(body)
  const entries = Object.entries(parsed as Record<string, unknown>)
  return entries
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()
    .join(' ')
}
