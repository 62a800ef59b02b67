import { runInThisContext } from 'node:vm'

import { afterEach, describe, expect, it } from 'vitest'

import { callerFile } from '../../../src/register/stand-ins.ts'

const before = Object.getOwnPropertyDescriptors(Error)

afterEach(() => {
  for (const name of ['prepareStackTrace', 'stackTraceLimit'] as const) {
    Reflect.deleteProperty(Error, name)
    const descriptor = before[name]
    if (descriptor !== undefined) Object.defineProperty(Error, name, descriptor)
  }
})

function callee(): string | undefined {
  return callerFile(callee)
}

function format(): string {
  return 'no stack'
}

/** Code of a file of that name which calls the function that it is given. */
function codeOf(filename: string): (callback: () => string | undefined) => string | undefined {
  return runInThisContext('callback => callback()', { filename }) as ReturnType<typeof codeOf>
}

describe('callerFile', () => {
  it('is the file of the code that called', () => {
    expect(codeOf('/srv/app/index.js')(callee)).toBe('/srv/app/index.js')
    expect(codeOf('file:///srv/app/index.js')(callee)).toBe('file:///srv/app/index.js')
  })

  it('is not the file of what called that, nor of what was called', () => {
    const outer = codeOf('/outer.js')
    const inner = codeOf('/inner.js')
    expect(outer(() => inner(callee))).toBe('/inner.js')
  })

  it('does not depend on how the application formats stacks, and leaves that as it was', () => {
    Error.prepareStackTrace = format
    Error.stackTraceLimit = 0
    expect(codeOf('/srv/app/index.js')(callee)).toBe('/srv/app/index.js')
    expect(Reflect.get(Error, 'prepareStackTrace')).toBe(format)
    expect(Error.stackTraceLimit).toBe(0)
  })

  it('leaves no property behind that was not there', () => {
    Reflect.deleteProperty(Error, 'prepareStackTrace')
    Reflect.deleteProperty(Error, 'stackTraceLimit')
    expect(codeOf('/srv/app/index.js')(callee)).toBe('/srv/app/index.js')
    expect(Object.hasOwn(Error, 'prepareStackTrace')).toBe(false)
    expect(Object.hasOwn(Error, 'stackTraceLimit')).toBe(false)
  })
})
