/*
 * Runs in every test process before its tests: what the machine is configured with must not reach a test, and
 * no test may ask a metadata service for credentials.
 */
for (const name of Object.keys(process.env)) {
  if (/^(AWS|DYNAMODB_SESSIONS)_/.test(name)) delete process.env[name]
}
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
// The files of whoever runs the tests are none of their business either.
process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent/aws'
