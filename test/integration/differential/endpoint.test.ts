import { testScenarios } from '../../support/differential/differential-suite.ts'
import { endpointScenarios } from './endpoint-scenarios.ts'
import { readExpectations } from './expectations.ts'

testScenarios(endpointScenarios, await readExpectations())
