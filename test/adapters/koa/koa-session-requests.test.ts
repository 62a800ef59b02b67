import { frameworkScenarios } from '../scenarios/framework-scenarios.ts'
import { koaSessionFramework } from './koa-apps.ts'

frameworkScenarios(koaSessionFramework)
