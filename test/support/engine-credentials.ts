/** Region to use with engines, which take any. */
export const engineRegion = 'us-east-1'

/** Credentials to use with engines, which take any. */
export const engineCredentials: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: 'local',
  secretAccessKey: 'local',
}
