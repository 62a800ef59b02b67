export type { SkippedProvider } from '../../errors.ts'
export type { CredentialProvider, Credentials } from '../../types.ts'
export {
  fromContainerMetadata,
  type FromContainerMetadataOptions,
  fromHttp,
  type FromHttpOptions,
} from './container.ts'
export { defaultProvider, type DefaultProviderOptions } from './default-provider.ts'
export { fromEnv } from './env.ts'
export { fromIni, type FromIniOptions } from './ini.ts'
export { fromInstanceMetadata, type FromInstanceMetadataOptions } from './instance-metadata.ts'
export { fromLoginCredentials, type FromLoginCredentialsOptions, type LoginClientConfig } from './login.ts'
export { fromProcess, type FromProcessOptions } from './process.ts'
export type { ProviderOptions } from './provider.ts'
export { fromSSO, type FromSSOOptions } from './sso.ts'
export {
  fromTemporaryCredentials,
  type FromTemporaryCredentialsOptions,
  fromTokenFile,
  type FromTokenFileOptions,
  type MfaCodeProvider,
} from './sts.ts'
