import { testScenarios } from '../../support/differential/differential-suite.ts'
import { loginScenarios } from './login-scenarios.ts'
import { readExpectations } from './expectations.ts'

testScenarios(loginScenarios, await readExpectations())
