import { testScenarios } from '../../support/differential/differential-suite.ts'
import { chainScenarios } from './chain-scenarios.ts'
import { readExpectations } from './expectations.ts'

testScenarios(chainScenarios, await readExpectations())
