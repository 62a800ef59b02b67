import { onTestFinished } from 'vitest'

import type { ProviderContext } from '../../../src/aws/credentials/provider.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { type FakeSso, fakeSso } from '../../support/fake-sso.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { temporaryHome } from '../../support/temporary-home.ts'

/** A machine on which somebody has signed in, on a clock that stands still, and the services that this is about. */
export interface SignInScene extends FakeSso {
  readonly home: string
  readonly clock: ManualClock
  /** The context in which a provider finds all of that. */
  readonly context: Partial<ProviderContext>
}

/** Sets a machine up, with this config file, for the running test. */
export async function signInScene(config: string): Promise<SignInScene> {
  const [{ directory: home, environment }, fakes] = await Promise.all([temporaryHome({ config }), fakeSso()])
  const clock = new ManualClock()
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  const context = {
    environment: { ...environment, ...fakes.environment },
    clock,
    random: () => 0,
    transport,
  }
  return { ...fakes, home, clock, context }
}
