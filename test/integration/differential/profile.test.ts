import { testScenarios } from '../../support/differential/differential-suite.ts'
import { profileScenarios } from './profile-scenarios.ts'
import { readExpectations } from './expectations.ts'

testScenarios(profileScenarios, await readExpectations())
