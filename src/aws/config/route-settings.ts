import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'

import { invalidSetting } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { type Endpoint, parseEndpoint, type Proxy } from '../http/endpoint.ts'
import { variable } from './environment.ts'
import type { Environment } from '../../internal/process-environment.ts'

/** Addresses that only this machine, or its own network, has: no proxy could reach the right ones. */
const LOCAL_ADDRESSES = new BlockList()
LOCAL_ADDRESSES.addSubnet('127.0.0.0', 8, 'ipv4')
LOCAL_ADDRESSES.addSubnet('169.254.0.0', 16, 'ipv4')
LOCAL_ADDRESSES.addAddress('::1', 'ipv6')
LOCAL_ADDRESSES.addSubnet('fe80::', 10, 'ipv6')
LOCAL_ADDRESSES.addSubnet('fd00:ec2::', 32, 'ipv6')

/**
 * The proxy on the way to an endpoint: the one given, else that of `HTTPS_PROXY`, or `HTTP_PROXY` for an endpoint without
 * TLS, unless `NO_PROXY` excludes the endpoint. A variable in lower case wins over the same one in capitals.
 *
 * Loopback and link-local addresses, those of metadata services among them, are never reached through a proxy.
 *
 * @param given URL that the option `proxy` names, which `NO_PROXY` does not restrict.
 * @throws {ConfigurationError} when what names the proxy is no URL of one. The message does not repeat it: it could hold
 *   a password.
 */
export function proxyFor(
  endpoint: Endpoint,
  environment: Environment,
  given: string | undefined,
): Proxy | undefined {
  if (isLocal(endpoint.hostname)) return undefined
  if (given !== undefined) return proxyAt(given, 'the option "proxy"')
  const name = proxyVariable(endpoint, environment)
  if (name === undefined || isExcluded(endpoint, environment)) return undefined
  return proxyAt(environment[name] ?? '', `the environment variable ${name}`)
}

/**
 * Reads the URL of a proxy.
 *
 * @throws {ConfigurationError} as {@link proxyFor} does.
 */
function proxyAt(text: string, source: string): Proxy {
  // curl takes "proxy:3128" for an HTTP proxy, too.
  const spelled = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidSetting(`${source} is not the URL of an HTTP proxy, such as http://proxy.example.com:3128`)
  }
  return { endpoint: parseEndpoint(url.origin), authorization: authorizationOf(url, source), source }
}

function authorizationOf({ username, password }: URL, source: string): string | undefined {
  if (username === '' && password === '') return undefined
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(credentials).toString('base64')}`
  } catch {
    throw invalidSetting(
      `the user name or password in ${source} has a % that is not part of a percent-encoded character`,
    )
  }
}

function proxyVariable({ protocol }: Endpoint, environment: Environment): string | undefined {
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  return names.find(name => {
    // Under CGI that is a header of the request, which anybody may set.
    const isHeader = name === 'HTTP_PROXY' && variable(environment, 'REQUEST_METHOD') !== undefined
    return variable(environment, name) !== undefined && !isHeader
  })
}

function isLocal(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || isInList(LOCAL_ADDRESSES, hostname)
}

function isInList(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Whether `NO_PROXY` names the host, as curl reads it: names and all below them, addresses, networks, `*`. */
function isExcluded(endpoint: Endpoint, environment: Environment): boolean {
  const list = variable(environment, 'no_proxy') ?? variable(environment, 'NO_PROXY') ?? ''
  return list.split(/[\s,]+/).some(entry => entry !== '' && excludes(entry.toLowerCase(), endpoint))
}

function excludes(entry: string, { hostname, port }: Endpoint): boolean {
  if (entry === '*') return true
  const [, bracketed, plain, entryPort] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  if (entryPort !== undefined && Number(entryPort) !== port) return false
  // What has several colons and no brackets is an address of IPv6.
  const name = bracketed ?? plain ?? entry
  if (isIP(hostname) !== 0) return coversAddress(name, hostname)
  const host = hostname.replace(/\.$/, '').toLowerCase()
  const domain = name.replace(/^\*?\./, '').replace(/\.$/, '')
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
}

function coversAddress(entry: string, address: string): boolean {
  const [network = '', bits] = entry.split('/')
  const family = isIP(network)
  if (family === 0) return false
  const most = family === 6 ? 128 : 32
  const length = bits === undefined ? most : Number(bits)
  if (!Number.isInteger(length) || length < 0 || length > most) return false
  const list = new BlockList()
  list.addSubnet(network, length, family === 6 ? 'ipv6' : 'ipv4')
  return isInList(list, address)
}

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
    throw invalidSetting(
      `${named} cannot be read (${codeOf(cause) ?? 'unknown error'}); correct the path, or remove the setting`,
      { cause },
    )
  }
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0 || !certificates.every(isReadable)) {
    const trouble = certificates.length === 0 ? 'holds no certificate' : 'holds a certificate that is broken'
    throw invalidSetting(
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
