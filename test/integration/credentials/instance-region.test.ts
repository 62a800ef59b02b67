import { describe, expect, it, onTestFinished } from 'vitest'

import {
  type InstanceMetadataContext,
  instanceRegionLookup,
} from '../../../src/aws/config/instance-metadata-client.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { PendingSteps } from '../../../src/internal/deadline.ts'
import {
  type FakeMetadata,
  instanceLines,
  type MetadataBehaviour,
  playInstance,
} from '../../support/fake-metadata.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'

const { token, region } = instanceLines

async function contextFor(
  server: FakeMetadata,
): Promise<
  InstanceMetadataContext & { readonly clock: ManualClock; readonly environment: Record<string, string> }
> {
  const home = await temporaryHome()
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  return {
    environment: { ...home.environment, AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url },
    clock: new ManualClock(),
    transport,
    pending: new PendingSteps(),
  }
}

describe('the region of an instance', () => {
  it('is asked for once, with a token', async () => {
    const server = await playInstance()
    const lookup = instanceRegionLookup(await contextFor(server), { timeout: 10_000 })
    expect(await lookup()).toEqual({ region: 'eu-central-1' })
    expect(await lookup()).toEqual({ region: 'eu-central-1' })
    expect(server.lines).toEqual([token, region])
  })

  it.each<[string, MetadataBehaviour]>([
    ['403', { statusCode: 403 }],
    ['404', { statusCode: 404 }],
    ['405', { statusCode: 405 }],
    ['500', { statusCode: 500 }],
    ['silence', 'silence'],
    ['an empty token', { body: '' }],
  ])('is asked for without a token when the request for one meets %s', async (_, behaviour) => {
    const server = await playInstance()
    server.answer(token, behaviour).answer(region, { body: 'eu-central-1' })
    const lookup = instanceRegionLookup(await contextFor(server), { timeout: 500 })
    expect(await lookup()).toEqual({ region: 'eu-central-1' })
    expect(server.lines).toEqual([token, region])
  })

  it('is not asked for without a token where that is forbidden, or after status 400', async () => {
    const server = await playInstance()
    server.answer(token, 'silence').answer(region, { body: 'eu-central-1' })
    const lookup = instanceRegionLookup(await contextFor(server), {
      timeout: 500,
      ec2MetadataV1Disabled: true,
    })
    expect(await lookup()).toEqual({ reason: expect.stringContaining('hop limit') as string })

    server.answer(token, { statusCode: 400 })
    expect(await instanceRegionLookup(await contextFor(server))()).toEqual({
      reason: expect.stringContaining('HTTP status 400') as string,
    })
    expect(server.lines).toEqual([token, token])
  })

  it.each(['silence', 'trickle', 'reset', 'cut-short'] as const)('is unknown after %s', async behaviour => {
    const server = await playInstance()
    server.answer(region, behaviour)
    const lookup = instanceRegionLookup(await contextFor(server), { timeout: 500 })
    expect(await lookup()).toEqual({ reason: expect.stringContaining(server.url) as string })
  })

  it.each(['', 'eu-central-1.example.com', '<html>', 'a b', '-', 'x'.repeat(64)])(
    'is unknown when the answer is %j',
    async body => {
      const server = await playInstance()
      server.answer(region, { body })
      const lookup = instanceRegionLookup(await contextFor(server))
      expect(await lookup()).toEqual({ reason: expect.stringContaining('no region') as string })
    },
  )

  it('is asked for again one minute after a failure', async () => {
    const server = await playInstance()
    server.answer(region, { statusCode: 404 }, { body: 'eu-central-1\n' })
    const context = await contextFor(server)
    const lookup = instanceRegionLookup(context)
    expect(await lookup()).toHaveProperty('reason')
    context.clock.advance(59_999)
    expect(await lookup()).toHaveProperty('reason')
    expect(server.lines).toEqual([token, region])
    context.clock.advance(1)
    expect(await lookup()).toEqual({ region: 'eu-central-1' })
    expect(server.lines).toEqual([token, region, region])
  })

  it.each(['true', 'false', '0'])('is not asked for while the service is switched off by %j', async value => {
    const transport = new RecordingTransport()
    const context = {
      transport,
      pending: new PendingSteps(),
      clock: new ManualClock(),
      environment: { AWS_EC2_METADATA_DISABLED: value },
    }
    expect(await instanceRegionLookup(context)()).toEqual({ reason: 'AWS_EC2_METADATA_DISABLED is set' })
    expect(transport.requests).toEqual([])
  })

  it('is unknown, and nothing asked, when the endpoint is no URL', async () => {
    const server = await playInstance()
    const context = await contextFor(server)
    context.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = 'not a uri'
    const lookup = instanceRegionLookup(context)
    expect(await lookup()).toEqual({
      reason: expect.stringContaining('AWS_EC2_METADATA_SERVICE_ENDPOINT') as string,
    })
  })
})
