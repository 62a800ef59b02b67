import { describe } from 'vitest'

import type { Engine } from '../support/engines.ts'
import { describeClosingAndAborting } from './closing-scenarios.ts'
import { describeConflicts } from './conflict-scenarios.ts'
import { type ContractLayout, contractSubject } from './contract-subject.ts'
import { describeCorruptItems } from './corrupt-item-scenarios.ts'
import { describeDestroyAndTouch } from './destroy-scenarios.ts'
import { describeExpiry } from './expiry-scenarios.ts'
import { describeGarbage } from './garbage-scenarios.ts'
import { describeListing } from './listing-scenarios.ts'
import { describeLocks } from './lock-scenarios.ts'
import { describeReadingAndWriting } from './reading-scenarios.ts'
import { describeSizes } from './size-scenarios.ts'
import { describeTimeouts } from './timeout-scenarios.ts'

/** Everything that a `SessionStore` promises, whatever the engine and however a session is written as an item. */
export function describeSessionStore(engine: Engine, layout: ContractLayout): void {
  describe(`${engine.name}, ${layout.name}`, () => {
    const subject = contractSubject(engine, layout)
    describeReadingAndWriting(subject)
    describeExpiry(subject)
    describeDestroyAndTouch(subject)
    describeConflicts(subject)
    describeLocks(subject)
    describeTimeouts(subject)
    describeListing(subject)
    describeGarbage(subject)
    describeCorruptItems(subject)
    describeSizes(subject)
    describeClosingAndAborting(subject)
  })
}
