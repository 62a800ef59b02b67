import { engine, engines } from '../support/engines.ts'
import { documentLayouts, phpLayouts, textLayouts } from './foreign-layouts.ts'
import { describeSessionStore } from './session-store.ts'

// One layout has to hold on every engine; for the others one is enough, because requests do not differ in kind.
const [everyEngine, ...oneEngine] = [...phpLayouts, ...textLayouts]
if (everyEngine === undefined) throw new Error('there is no layout')

for (const each of engines) {
  describeSessionStore(each, everyEngine)
  // Dynalite cannot compare maps, which is how saves of these layouts notice what others have written.
  if (each.name !== 'dynalite') {
    for (const layout of documentLayouts) describeSessionStore(each, layout)
  }
}
for (const layout of oneEngine) describeSessionStore(engine, layout)
