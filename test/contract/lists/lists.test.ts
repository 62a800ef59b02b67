import { describe, expect, test } from 'vitest'

import { DynamoDBStore as ExpressStore } from '../../../src/adapters/express.ts'
import { DynamoDBStore as FastifyStore } from '../../../src/adapters/fastify.ts'
import { DynamoDBStore as KoaStore } from '../../../src/adapters/koa.ts'
import { dynamoDBDriver } from '../../../src/adapters/unstorage.ts'
import { engine } from '../../support/engines.ts'
import { newPrefix } from '../../support/session-ids.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { keyValueContract, type KeyValueDriver } from './key-value-drivers.ts'
import { fromCallbacks, sessionStoreContract } from './session-stores.ts'

const subject = tableSubject(engine)

describe.each([
  ['express-session', async () => fromCallbacks(subject.closeLater(new ExpressStore(subject.options)))],
  ['@fastify/session', async () => fromCallbacks(subject.closeLater(new FastifyStore(subject.options)))],
  ['koa-session', async () => subject.closeLater(new KoaStore(subject.options))],
] as const)('the contract of session stores, for %s', (_, open) => {
  test.each(sessionStoreContract)('$name', async ({ run }) => {
    await expect(run(open)).resolves.toBeUndefined()
  })
})

describe('the contract of key-value drivers', () => {
  test.each(keyValueContract)('$name', async ({ run }) => {
    const options = { ...subject.options, prefix: newPrefix() }
    const open = async (): Promise<KeyValueDriver> => {
      const { dispose, ...driver } = dynamoDBDriver(options)
      subject.closeLater({ close: dispose })
      return driver
    }
    await expect(run(open)).resolves.toBeUndefined()
  })
})
