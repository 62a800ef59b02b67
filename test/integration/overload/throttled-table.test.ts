import { describe, expect, it } from 'vitest'

import { ThrottlingError } from '../../../src/errors.ts'
import { rejectionOf } from '../../support/failure.ts'
import { awsError, type StubStep } from '../../support/stub-dynamodb.ts'
import { recordBackOff } from '../client/back-off.ts'
import { openTestClient, someKey, useStub } from '../client/test-client.ts'

const stub = useStub()
const throttled = awsError('ProvisionedThroughputExceededException', 'The rate is too high')
const unavailable: StubStep = { statusCode: 503, body: '<html>' }
const found: StubStep = { body: { Item: someKey.Key } }

/** What the retry quota of a client pays for when nothing succeeds. */
const RETRIES_AFTER_THROTTLING = 100
const RETRIES_AFTER_OTHER_ERRORS = 35

type Client = ReturnType<typeof openTestClient>

async function failuresOf(client: Client, calls: number): Promise<readonly unknown[]> {
  return Promise.all(Array.from({ length: calls }, async () => rejectionOf(client.send('GetItem', someKey))))
}

/** Its calls wait for a connection for longer than any pause that `recordBackOff` cuts short. */
function patientClient(): ReturnType<typeof openTestClient> {
  return openTestClient(stub().endpoint, { deadlineMs: 60_000 })
}

describe('a table that throttles everything', () => {
  it('is asked once a call, and a hundred times on top of that, however long it lasts', async () => {
    recordBackOff()
    stub().answer(throttled)
    const client = patientClient()
    for (let wave = 1; wave <= 10; wave++) {
      for (const error of await failuresOf(client, 60)) expect(error).toBeInstanceOf(ThrottlingError)
      const calls = wave * 60
      expect(stub().requests.length).toBe(calls + Math.min(wave * 180, RETRIES_AFTER_THROTTLING))
    }
  })

  it('is not asked again before the pause has passed, which doubles with full jitter', async () => {
    const delays = recordBackOff()
    stub().answer(throttled)
    const jitter = [0.25, 0.5, 0.75]
    let next = 0
    const client = openTestClient(stub().endpoint, {
      random: () => jitter[next++] ?? 0,
      deadlineMs: 100_000,
    })
    await rejectionOf(client.send('GetItem', someKey))
    expect(delays).toEqual([250, 1000, 3000])
  })

  it('is served at once when it has recovered: nothing is held back', async () => {
    recordBackOff()
    stub().answer(throttled)
    const client = patientClient()
    await failuresOf(client, 200)
    stub().answer(found)
    const calls = Array.from({ length: 50 }, async () => client.send('GetItem', someKey))
    expect(await Promise.all(calls)).toHaveLength(50)
    expect(stub().requests).toHaveLength(50)
  })

  it('gets retries again as far as calls have succeeded meanwhile', async () => {
    recordBackOff()
    stub().answer(throttled)
    const client = patientClient()
    await failuresOf(client, 200)
    stub().answer(found)
    for (let call = 0; call < 10; call++) await client.send('GetItem', someKey)
    stub().answer(throttled)
    await failuresOf(client, 5)
    // Ten successes have earned ten tokens, and a retry costs five.
    expect(stub().requests).toHaveLength(5 + 2)
  })
})

describe('a service that is down', () => {
  it('is asked once a call, and 35 times on top of that', async () => {
    recordBackOff()
    stub().answer(unavailable)
    const client = patientClient()
    await failuresOf(client, 300)
    expect(stub().requests).toHaveLength(300 + RETRIES_AFTER_OTHER_ERRORS)
  })

  it('is served at once when it is back', async () => {
    recordBackOff()
    stub().answer(unavailable)
    const client = patientClient()
    await failuresOf(client, 100)
    stub().answer(found)
    await client.send('GetItem', someKey)
    expect(stub().requests).toHaveLength(1)
  })
})
