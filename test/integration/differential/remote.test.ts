import { testScenarios } from '../../support/differential/differential-suite.ts'
import { remoteScenarios } from './remote-scenarios.ts'
import { readExpectations } from './expectations.ts'

testScenarios(remoteScenarios, await readExpectations())
