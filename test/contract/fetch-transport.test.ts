import { fetchTransport } from '../../src/aws/http/fetch-transport.ts'
import { engine } from '../support/engines.ts'
import { nativeLayouts } from './native-layouts.ts'
import { describeSessionStore } from './session-store.ts'

const [layout] = nativeLayouts
if (layout === undefined) throw new Error('there is a native layout')

describeSessionStore(engine, {
  ...layout,
  name: 'over fetch',
  options: { ...layout.options, transport: fetchTransport() },
})
