import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'

import { toAppId } from '../../../../src/aws/config/settings.ts'
import { lambdaTrace, userAgent, VERSION } from '../../../../src/aws/dynamodb/operation-request.ts'

describe('the user agent', () => {
  it('has the version of package.json', async () => {
    const text = await readFile(new URL('../../../../package.json', import.meta.url), 'utf8')
    expect(VERSION).toBe((JSON.parse(text) as { version: string }).version)
    expect(userAgent(undefined)).toBe(`dynamodb-sessions/${VERSION}`)
    expect(userAgent('shop')).toBe(`dynamodb-sessions/${VERSION} app/shop`)
  })

  it.each([
    ['shop', 'shop'],
    ['web shop/1', 'web-shop-1'],
    ['shop\r\nx: y', 'shop--x--y'],
    ['Größe', 'Gr--e'],
    ['a'.repeat(50), 'a'.repeat(50)],
    ['a'.repeat(51), undefined],
  ])('has the application %j as %j', (text, expected) => {
    expect(toAppId(text)).toBe(expected)
  })
})

describe('the trace of a Lambda invocation', () => {
  it('is that of the moment', () => {
    const environment: Record<string, string> = { AWS_LAMBDA_FUNCTION_NAME: 'shop' }
    const trace = lambdaTrace(environment)
    expect(trace()).toBeUndefined()
    environment['_X_AMZN_TRACE_ID'] = 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1'
    expect(trace()).toBe('Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1')
    environment['_X_AMZN_TRACE_ID'] = 'Root=2\r\nx: y'
    expect(trace()).toBeUndefined()
  })

  it('is none outside of Lambda', () => {
    expect(lambdaTrace({ _X_AMZN_TRACE_ID: 'Root=1' })()).toBeUndefined()
    expect(lambdaTrace({ _X_AMZN_TRACE_ID: 'Root=1', AWS_LAMBDA_FUNCTION_NAME: '' })()).toBeUndefined()
  })
})
