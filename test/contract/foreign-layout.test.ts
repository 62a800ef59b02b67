import { engines } from '../support/engines.ts'
import { documentLayouts, phpLayouts, textLayouts } from './foreign-layouts.ts'
import { describeSessionStore } from './session-store.ts'

// One layout has to hold on every engine; for the others one is enough, because requests do not differ in kind.
const [everyEngine, ...oneEngine] = [...phpLayouts, ...textLayouts]
const [firstEngine] = engines
if (everyEngine === undefined || firstEngine === undefined) throw new Error('there are layouts and engines')

for (const engine of engines) {
  describeSessionStore(engine, everyEngine)
  // Dynalite cannot compare maps, which is how saves of these layouts notice what others have written.
  if (engine.name !== 'dynalite') {
    for (const layout of documentLayouts) describeSessionStore(engine, layout)
  }
}
for (const layout of oneEngine) describeSessionStore(firstEngine, layout)
