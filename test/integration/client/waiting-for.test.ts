import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { DynamoDBClient } from '../../../src/aws/dynamodb/client.ts'
import { DeadlineExceededError } from '../../../src/errors.ts'
import { openClient } from '../../../src/store/open-client.ts'
import type { ConnectionOptions } from '../../../src/options/connection-options.ts'
import { rejectionOf } from '../../support/failure.ts'
import { FakeMetadata, instanceLines, playInstance } from '../../support/fake-metadata.ts'
import { fakeSts } from '../../support/fake-sts.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { someKey, testCredentials } from './test-client.ts'

const ENDPOINT = 'http://127.0.0.1:9'

async function open(
  options: ConnectionOptions,
  environment: Readonly<Record<string, string>>,
  config = '',
): Promise<DynamoDBClient> {
  const home = await temporaryHome({ config })
  return openClient({ deadlineMs: 1000, ...options }, { ...home.environment, ...environment })
}

async function messageOf(client: DynamoDBClient): Promise<string> {
  const { message } = await rejectionOf(client.send('GetItem', someKey), DeadlineExceededError)
  return message
}

describe('the error of a deadline names what was being waited for', () => {
  test('a container endpoint that does not respond, the provider, and for how long', async () => {
    const server = await FakeMetadata.start()
    server.answer('GET /', { statusCode: 429 }, 'silence')
    const client = await open(
      { region: 'eu-west-1', endpoint: ENDPOINT, deadlineMs: 3000 },
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url },
    )
    expect(await messageOf(client)).toMatch(
      new RegExp(
        '^GetItem did not succeed within 3000 ms: the AWS credentials were not found in time; it was waiting for ' +
          'the provider "container" \\(for \\d+ ms\\): the container credentials endpoint ' +
          `${server.url}, attempt 2 after HTTP status 429 \\(for \\d+ ms\\)$`,
      ),
    )
  })

  test('the instance metadata', async () => {
    const server = await playInstance()
    server.answer(instanceLines.token, 'silence')
    const environment = {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url,
      AWS_EC2_METADATA_DISABLED: '',
    }
    const forCredentials = await open({ region: 'eu-west-1', endpoint: ENDPOINT }, environment)
    expect(await messageOf(forCredentials)).toContain(`instance metadata" (for `)
    const forRegion = await open({ credentials: testCredentials }, environment)
    expect(await messageOf(forRegion)).toMatch(
      /the AWS settings were not found in time; it was waiting for .*: the region of the instance \(for \d+ ms\): latest\/api\/token of the instance metadata at http/,
    )
  })

  test('STS, behind a profile', async () => {
    const sts = await fakeSts()
    sts.answers(() => new Promise(() => undefined))
    const config =
      '[default]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Environment\nregion = eu-west-1\n'
    const client = await open(
      { endpoint: ENDPOINT, profile: 'default' },
      { AWS_ENDPOINT_URL_STS: sts.service.url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      config,
    )
    expect(await messageOf(client)).toMatch(
      /the provider "profile" \(for \d+ ms\): sts:AssumeRole at http:.*, attempt 1 \(for \d+ ms\)$/,
    )
  })

  test.skipIf(process.platform === 'win32')('a configuration file, though the region is given', async () => {
    const { directory } = await temporaryHome()
    const pipe = join(directory, 'config')
    execFileSync('mkfifo', [pipe])
    onTestFinished(() => {
      // Ends the read, which would keep the process.
      writeFileSync(pipe, '')
    })
    const client = await open(
      { region: 'eu-west-1', credentials: testCredentials },
      { AWS_CONFIG_FILE: pipe },
    )
    const message = await messageOf(client)
    expect(message).toMatch(/it was waiting for region and endpoint in the AWS configuration \(for \d+ ms\)$/)
    expect(message).not.toContain('region was not found')
  })
})
