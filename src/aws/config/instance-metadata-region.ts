import { messageOf } from '../../internal/core-objects.ts'
import { variable } from './environment.ts'
import { InstanceMetadataClient, type InstanceMetadataContext } from './instance-metadata-client.ts'
import type { InstanceMetadataOptions } from './instance-metadata-settings.ts'

/** The region of the instance, or why it is not known. */
export type InstanceRegion = { readonly region: string } | { readonly reason: string }

const FAILURE_REMEMBERED_MS = 60_000
const DISABLED_VARIABLE = 'AWS_EC2_METADATA_DISABLED'

/**
 * Makes a function that asks the instance metadata service in which region this instance runs.
 *
 * It asks as {@link InstanceMetadataClient} does: with a token, else without one. A region is remembered for good, a failure for one minute; calls at the same
 * time share one request. Nothing is asked while `AWS_EC2_METADATA_DISABLED` is set to anything at all.
 *
 * @returns a function that never rejects.
 */
export function instanceRegionLookup(
  context: InstanceMetadataContext,
  options: InstanceMetadataOptions = {},
): () => Promise<InstanceRegion> {
  const client = new InstanceMetadataClient(context, options)
  let held: { readonly answer: Promise<InstanceRegion>; askAgainAtMs: number } | undefined

  return () => {
    if (variable(context.environment, DISABLED_VARIABLE) !== undefined) {
      return Promise.resolve({ reason: `${DISABLED_VARIABLE} is set` })
    }
    if (held === undefined || context.clock.now() >= held.askAgainAtMs) {
      const asked = { answer: ask(client), askAgainAtMs: Number.POSITIVE_INFINITY }
      held = asked
      return asked.answer.then(answer => {
        if ('reason' in answer) asked.askAgainAtMs = context.clock.now() + FAILURE_REMEMBERED_MS
        return answer
      })
    }
    return held.answer
  }
}

async function ask(client: InstanceMetadataClient): Promise<InstanceRegion> {
  try {
    const text = await client.get('placement/region')
    const region = text.trim()
    if (/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(region)) return { region }
    return { reason: 'the instance metadata service answered with something that is no region' }
  } catch (error) {
    return {
      reason: messageOf(error) ?? 'the instance metadata service cannot be asked',
    }
  }
}
