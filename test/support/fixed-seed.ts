/*
 * Runs before the unit tests, but for those of `npm run test:long`: properties are tried with the same values in every run,
 * so that no change fails by chance. A failure says how to repeat it.
 */
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: 20_261_201 })
