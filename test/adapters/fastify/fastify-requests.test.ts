import { frameworkScenarios } from '../scenarios/framework-scenarios.ts'
import { fastifyFramework } from './fastify-app.ts'

frameworkScenarios(fastifyFramework)
