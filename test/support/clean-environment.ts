/*
 * Runs in every test process before its tests: what the machine is configured with must not reach a test, and
 * no test may ask a metadata service for credentials.
 */
for (const name of Object.keys(process.env)) {
  if (/^(AWS|DYNAMODB_SESSIONS)_/.test(name)) delete process.env[name]
}
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
