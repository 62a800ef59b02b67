import { frameworkScenarios } from '../scenarios/framework-scenarios.ts'
import { koaGenericFramework } from './koa-apps.ts'

frameworkScenarios(koaGenericFramework)
