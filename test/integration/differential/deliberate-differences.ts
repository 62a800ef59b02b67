import type { Outcome } from '../../support/differential/outcome.ts'

/** Scenarios in which this package gives another answer than the AWS SDK, on purpose. */
export interface DeliberateDifference {
  readonly reason: string
  /** Names of scenarios; an expression stands for every name that it fits. */
  readonly scenarios: readonly (string | RegExp)[]
  /** The better outcome, or what makes it of the outcome of the AWS SDK. */
  readonly better: Outcome | ((recorded: Outcome) => Outcome)
}

const stopped: Outcome = { failure: 'stopped' }
const stoppedAfterOneRun: Outcome = { failure: 'stopped', processRuns: 1 }

/** The same requests, with another end. */
const instead =
  (end: Pick<Outcome, 'credentials' | 'failure'>) =>
  (recorded: Outcome): Outcome => {
    const { credentials: _credentials, failure: _failure, ...others } = recorded
    return { ...others, ...end }
  }

/** The same, without what was asked of a server. */
const without =
  (server: string, change: (outcome: Outcome) => Outcome) =>
  ({ requests = {}, ...others }: Outcome): Outcome => {
    const left = Object.fromEntries(Object.entries(requests).filter(([name]) => name !== server))
    return change({ ...others, ...(Object.keys(left).length > 0 && { requests: left }) })
  }

const withAccount =
  (accountId: string) =>
  (recorded: Outcome): Outcome =>
    recorded.credentials === undefined
      ? recorded
      : { ...recorded, credentials: { ...recorded.credentials, accountId } }

/** The same, with as many requests to a server as are given, repeating the last or leaving some out. */
const withRequests =
  (server: string, count: number, end?: Pick<Outcome, 'failure'>) =>
  (recorded: Outcome): Outcome => {
    const lines = recorded.requests?.[server] ?? []
    const requests = Array.from(
      { length: count },
      (_, index) => lines[Math.min(index, lines.length - 1)] ?? '',
    )
    return {
      ...(end === undefined ? recorded : instead(end)(recorded)),
      requests: { ...recorded.requests, [server]: requests },
    }
  }

const requestTo =
  (url: string, region = 'eu-west-1') =>
  (): Outcome => ({ request: { url, signer: `signed by AKIAENVIRONMENT in ${region}` } })

/** Every deliberate difference; one that is no difference any more has to go. */
export const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    reason:
      'a profile that was named and does not exist is an error, instead of a silent search for the identity of the machine',
    scenarios: [
      /^chain: AWS_PROFILE that does not exist, /,
      'web identity: in the environment, with AWS_PROFILE that does not exist',
      'shared files: a profile without its prefix',
      'shared files: a prefixed profile in the credentials file',
      'shared files: profile constructor',
      'shared files: profile toString',
    ],
    better: stopped,
  },
  {
    reason: 'a profile that was named and cannot be used is an error as well',
    scenarios: [
      /^chain: AWS_PROFILE (?:with half of the keys|whose source profile does not exist|with a role and no source), /,
      'role with: credential_source in lower case',
      'credential process does not exist',
    ],
    better: stopped,
  },
  {
    reason: 'so is one whose credential process fails, which is run once and not twice',
    scenarios: [
      /^chain: AWS_PROFILE whose process fails, /,
      /^credential process prints (?:no |Version |JSON |an array|an Expiration in the past|nothing|null$)/,
      'credential process fails after printing credentials',
    ],
    better: stoppedAfterOneRun,
  },
  {
    reason: 'a credential process that fails is run once and not twice',
    scenarios: [/^chain: process that fails, /],
    better: recorded => ({ ...recorded, processRuns: 1 }),
  },
  {
    reason: 'an expiry that is no date is unreadable, instead of credentials that never seem to expire',
    scenarios: ['credential process prints an Expiration that is no date'],
    better: stoppedAfterOneRun,
  },
  {
    reason: 'property names are read in any case',
    scenarios: ['shared files: property names in capitals'],
    better: { credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' } },
  },
  {
    reason: 'blanks inside the brackets do not belong to the name of a profile',
    scenarios: ['shared files: blanks inside brackets'],
    better: { credentials: { accessKeyId: 'AKIABRACKETS', secretAccessKey: 'profile-secret-key' } },
  },
  {
    reason: 'a profile of the credentials file may have blanks in its name, as for the AWS CLI',
    scenarios: ['shared files: profile names with blanks'],
    better: { credentials: { accessKeyId: 'AKIABLANK', secretAccessKey: 'profile-secret-key' } },
  },
  {
    reason: 'a section with a name that objects inherit does not make the rest of the file disappear',
    scenarios: ['shared files: profile __proto__'],
    better: { credentials: { accessKeyId: 'AKIAPROFILE', secretAccessKey: 'profile-secret-key' } },
  },
  {
    reason: 'keys in quotation marks are reported, instead of being sent to be refused',
    scenarios: ['shared files: values in quotation marks'],
    better: stopped,
  },
  {
    reason:
      'a duration that STS does not accept is not sent, and ends the search as the refusal of STS would',
    scenarios: [
      'role with: a duration that is no number',
      'role with: a duration of zero',
      'role with: a fraction as duration',
    ],
    better: { failure: 'stopped' },
  },
  {
    reason: 'AWS_DEFAULT_REGION names the region where AWS_REGION does not',
    scenarios: ['role with: AWS_DEFAULT_REGION'],
    better: recorded => ({
      ...recorded,
      requests: {
        sts: (recorded.requests?.['sts'] ?? []).map(line => line.replace('us-east-1', 'eu-north-1')),
      },
    }),
  },
  {
    reason:
      'the token file is read as UTF-8; the AWS SDK reads it as ASCII and sends something else than is in it',
    scenarios: ['web identity: in the environment, token with characters to encode'],
    better: recorded => ({
      ...recorded,
      requests: {
        sts: (recorded.requests?.['sts'] ?? []).map(line =>
          line.replace(/WebIdentityToken=.*,/, 'WebIdentityToken=a+b/c=&d é,'),
        ),
      },
    }),
  },
  {
    reason: 'an empty token is reported, instead of being sent to be refused',
    scenarios: ['web identity: in the environment, empty token'],
    better: stopped,
  },
  {
    reason: 'an answer of STS that lacks what temporary credentials need is unreadable',
    scenarios: ['STS answers with: no SessionToken', 'STS answers with: no Expiration'],
    better: instead(stopped),
  },
  {
    reason: 'credentials of SSO carry the account that the profile names',
    scenarios: [
      /^SSO with a session(?:, (?:10|2) minutes left|, expired)?$/,
      /^SSO with a session, (?:2 minutes left, refresh fails|expired, refresh (?:fails once with HTTP 500|is reset once))$/,
      /^SSO with a session, profile with (?:another|the same) /,
      /^SSO with the older form(?:, 2 minutes left)?$/,
      'SSO with a role name with characters to encode',
      /^SSO with a portal that (?:throttles|fails|resets|is cut short) once$/,
    ],
    better: withAccount('123456789012'),
  },
  {
    reason: 'dates of older tools are read',
    scenarios: ['SSO with a session whose expiresAt ends in UTC'],
    better: {
      credentials: {
        accessKeyId: 'ASIASSO',
        secretAccessKey: 'sso-secret-key',
        sessionToken: 'sso-session-token',
        expiration: '2031-02-27T23:06:40.000Z',
        accountId: '123456789012',
      },
      requests: {
        portal: [
          'GET /federation/credentials?account_id=123456789012&role_name=reader, bearer "cached-access-token", unsigned',
        ],
      },
    },
  },
  {
    reason: 'the refresh token is kept where a refresh brings no new one',
    scenarios: ['SSO with a session, expired, refresh gives no refresh token'],
    better: recorded => ({
      ...withAccount('123456789012')(recorded),
      files: Object.fromEntries(
        Object.entries(recorded.files ?? {}).map(([name, content]) => [
          name,
          { ...(content as object), refreshToken: 'refresh-token' },
        ]),
      ),
    }),
  },
  {
    reason: 'a token that is still valid is used although it cannot be refreshed',
    scenarios: ['SSO with a session, 2 minutes left, without clientSecret'],
    better: {
      credentials: {
        accessKeyId: 'ASIASSO',
        secretAccessKey: 'sso-secret-key',
        sessionToken: 'sso-session-token',
        expiration: '2031-02-27T23:06:40.000Z',
        accountId: '123456789012',
      },
      requests: {
        portal: [
          'GET /federation/credentials?account_id=123456789012&role_name=reader, bearer "cached-access-token", unsigned',
        ],
      },
    },
  },
  {
    reason:
      'a log-in that cannot be renewed is an error, instead of a silent search for the identity of the machine',
    scenarios: [
      'aws login: expired, no new keys',
      'aws login: expired, no new refresh token',
      'aws login: expired, another refusal',
      'aws login: expired, no JSON',
      'aws login: a dpopKey that is no key, expired',
    ],
    better: without('metadata', instead(stopped)),
  },
  {
    reason: 'a log-in that lacks its session token or its expiry cannot be used',
    scenarios: ['aws login: no sessionToken', 'aws login: no expiresAt'],
    better: stopped,
  },
  {
    reason:
      'people log in at machines that are no instances: the instance is not asked for the region to sign in to',
    scenarios: ['aws login: no region anywhere'],
    better: stopped,
  },
  {
    reason: 'the account is taken over where the container says it',
    scenarios: ['container that says the account'],
    better: withAccount('123456789012'),
  },
  {
    reason:
      'a refusal is final once the token has been read anew, and there is no second provider that asks without it',
    scenarios: ['container that answers with HTTP 401', 'container that answers with HTTP 403'],
    better: withRequests('container', 2),
  },
  {
    reason: 'there is no second provider that asks once more',
    scenarios: [
      'container that answers with HTTP 400',
      'container that answers with HTTP 404',
      'container that answers with HTTP 500 for good',
    ],
    better: withRequests('container', 4),
  },
  {
    reason: 'a fragment is not sent; the AWS SDK sends it with ## before it',
    scenarios: ['container that has a fragment'],
    better: recorded => ({ ...recorded, requests: { container: ['GET /v1/credentials'] } }),
  },
  {
    reason: 'nothing is asked without the authorization that is configured',
    scenarios: [
      'container that has an empty authorization token file',
      'container that has an authorization token file with a line break',
    ],
    better: stopped,
  },
  {
    reason: 'an endpoint that must not be asked stops the search: somebody has configured it',
    scenarios: [/^container that is (?:on a |a file)/],
    better: stopped,
  },
  {
    reason: 'without the name of a role, no credentials are asked for',
    scenarios: ['instance that has an empty role name'],
    better: withRequests('metadata', 2, stopped),
  },
  {
    reason: 'what cannot be read, or says that it is no success, is an error',
    scenarios: [
      /^instance that leaves (?!Code)\w+ out$/,
      /^instance that answers with a Code that is not Success/,
      'instance that answers with an Expiration that is no date',
    ],
    better: instead(stopped),
  },
  {
    reason: 'an answer that is cut short is a failure; the AWS SDK waits for its end for ever',
    scenarios: ['instance that is cut short'],
    better: {
      failure: 'nothing-found',
      requests: {
        metadata: [
          'PUT /latest/api/token',
          'GET /latest/meta-data/iam/security-credentials/, token "token-1"',
          'GET /latest/meta-data/iam/security-credentials/application-role, token "token-1"',
        ],
      },
    },
  },
  {
    reason: 'an empty token is not sent',
    scenarios: ['instance that gives an empty token'],
    better: recorded => ({
      ...recorded,
      requests: {
        metadata: (recorded.requests?.['metadata'] ?? []).map(line => line.replace(', token ""', '')),
      },
    }),
  },
  {
    reason: 'a token that is refused is replaced once',
    scenarios: ['instance that answers the role with 401', 'instance that answers the credentials with 401'],
    better: recorded => {
      const lines = recorded.requests?.['metadata'] ?? []
      return { ...recorded, requests: { metadata: [...lines, ...lines.slice(0, 1), ...lines.slice(-1)] } }
    },
  },
  {
    reason: 'a line end behind the token does not belong to it',
    scenarios: ['instance that gives a token with a line end'],
    better: {
      credentials: {
        accessKeyId: 'ASIAINSTANCE',
        secretAccessKey: 'MeTaDaTa/SeCrEt+0123456789abcdefghijklmn',
        sessionToken: 'metadata-session-token==',
        expiration: '2031-05-06T13:00:00.000Z',
      },
      requests: {
        metadata: [
          'PUT /latest/api/token',
          'GET /latest/meta-data/iam/security-credentials/, token "token-1"',
          'GET /latest/meta-data/iam/security-credentials/application-role, token "token-1"',
        ],
      },
    },
  },
  {
    reason: 'the region of the instance, too, is asked for without a token where there is none to be had',
    scenarios: ['region from the instance, without tokens'],
    better: () => ({
      ...requestTo('https://dynamodb.eu-central-1.amazonaws.com/', 'eu-central-1')(),
      requests: { metadata: ['PUT /latest/api/token', 'GET /latest/meta-data/placement/region'] },
    }),
  },
  {
    reason: 'AWS_DEFAULT_REGION names the region where AWS_REGION does not',
    scenarios: ['region from AWS_DEFAULT_REGION'],
    better: requestTo('https://dynamodb.eu-west-2.amazonaws.com/', 'eu-west-2'),
  },
  {
    reason: 'an empty variable counts as unset',
    scenarios: ['region from an empty AWS_REGION and the profile'],
    better: requestTo('https://dynamodb.eu-west-3.amazonaws.com/', 'eu-west-3'),
  },
  {
    reason: 'an empty variable counts as unset',
    scenarios: ['endpoint with AWS_ACCOUNT_ID_ENDPOINT_MODE ""'],
    better: requestTo('https://dynamodb.eu-west-1.amazonaws.com/'),
  },
  {
    reason: 'an empty variable counts as unset',
    scenarios: ['endpoint with AWS_ACCOUNT_ID_ENDPOINT_MODE "" and an account'],
    better: requestTo('https://123456789012.ddb.eu-west-1.amazonaws.com/'),
  },
  {
    reason: 'a region in upper case is told as such, instead of signatures that AWS refuses',
    scenarios: [/^endpoint in US-EAST-1(?:,|$)/],
    better: stopped,
  },
  {
    reason: 'blanks around the region do not belong to it',
    scenarios: ['region from AWS_REGION with blanks around'],
    better: requestTo('https://dynamodb.eu-west-1.amazonaws.com/'),
  },
  {
    reason: 'switches are read in any case',
    scenarios: ['endpoint from AWS_IGNORE_CONFIGURED_ENDPOINT_URLS "TRUE"'],
    better: requestTo('https://dynamodb.eu-west-1.amazonaws.com/'),
  },
  {
    reason: 'switches are read in any case',
    scenarios: ['endpoint with AWS_USE_FIPS_ENDPOINT "TRUE"', 'endpoint with use_fips_endpoint TRUE'],
    better: requestTo('https://dynamodb-fips.eu-west-1.amazonaws.com/'),
  },
  {
    reason: 'switches are read in any case',
    scenarios: [
      'endpoint with AWS_USE_DUALSTACK_ENDPOINT "TRUE"',
      'endpoint with use_dualstack_endpoint TRUE',
    ],
    better: requestTo('https://dynamodb.eu-west-1.api.aws/'),
  },
  {
    reason:
      'the mode is read in any case; the AWS SDK accepts "Required" and then does not require an account',
    scenarios: ['endpoint with AWS_ACCOUNT_ID_ENDPOINT_MODE "Required"'],
    better: stopped,
  },
]
