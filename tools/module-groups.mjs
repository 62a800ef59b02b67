/**
 * How the modules of this package are merged. What is in no group is put together by who loads it.
 *
 * The first five are what a process loads that reads a session with credentials from its environment. They could be fewer
 * only if others had to load what they have no use for: `./php` takes the errors alone, `./credentials` not the core, and
 * who passes credentials takes nothing that finds them.
 *
 * @type {readonly import('./merge-modules.mjs').ModuleGroup[]}
 */
export const moduleGroups = [
  ['errors', 'errors.js', 'internal/core-objects.js'],
  [
    'http',
    'http/endpoint.js',
    'http/error-classification.js',
    'http/fetch-transport.js',
    'http/retry.js',
    'http/socket-transport.js',
    'internal/credentials-shape.js',
    'internal/diagnostics.js',
    'internal/partitions.js',
    'internal/pending-steps.js',
    'sigv4/sign.js',
  ],
  ['core', 'adapters/express-store.js', 'session/store.js'],
  ['settings', 'config/settings.js'],
  [
    'default-provider',
    'credentials/cached-provider.js',
    'credentials/default-provider.js',
    'credentials/instant.js',
    'credentials/shared-flight.js',
  ],

  ['provider-chain', 'credentials/credentials-document.js', 'credentials/provider-chain.js'],
  ['ini', 'credentials/ini.js'],
  ['instance-metadata', 'config/instance-metadata-region.js', 'credentials/instance-metadata.js'],
  ['service-call', 'credentials/json-call.js'],
  ['sts', 'credentials/mfa-code.js', 'credentials/sts-endpoint.js', 'credentials/sts.js'],

  ['php', 'layout/php/index.js'],
  [
    'foreign-layout',
    'layout/foreign/document-codec.js',
    'layout/foreign/expiry-rule.js',
    'layout/foreign/foreign-layout.js',
    'layout/foreign/stored-data.js',
  ],
  ['data-seal', 'seal/data-seal.js'],
  ['key-values', 'session/key-values-options.js', 'session/key-values.js'],
  ['table', 'table/index.js'],
  // For the preload, which has no use for the rest of what the command line needs it with.
  ['nearest', 'internal/nearest.js'],

  ['cli', 'cli/help.js', 'cli/run.js'],
  ['cli-invocation', 'cli/common-options.js', 'cli/invocation.js'],
  ['cli-output', 'cli/failure.js', 'cli/format.js', 'cli/progress.js'],
]
