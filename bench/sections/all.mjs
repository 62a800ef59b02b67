import { appSection } from './app.mjs'
import { costSection } from './cost.mjs'
import { cpuSection } from './cpu.mjs'
import { leakSection, memorySection } from './memory.mjs'
import { outageSection } from './outage.mjs'
import { scanSection } from './scan.mjs'
import { bundleSection, installSection } from './size.mjs'
import { startupSection } from './startup.mjs'
import { stormSection } from './storm.mjs'
import { tailsSection } from './tails.mjs'

/** Everything that is measured, in the order of the report. */
export const sections = /** @type {readonly import('../types.d.ts').Section<never>[]} */ (
  /** @type {unknown} */ ([
    cpuSection,
    appSection,
    startupSection,
    bundleSection,
    installSection,
    memorySection,
    leakSection,
    scanSection,
    stormSection,
    tailsSection,
    outageSection,
    costSection,
  ])
)
