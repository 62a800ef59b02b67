import { type Emitter, isEmitter } from '../../internal/core-objects.ts'

/** What `koa-session` passes to its store along with each call. */
export interface KoaStoreCall {
  /** The context of the request. */
  readonly ctx?: unknown
  readonly rolling?: boolean | undefined
  readonly changed?: boolean | undefined
}

/** The context of a call; `undefined` when it has none. */
export function contextOf(call: KoaStoreCall | undefined): object | undefined {
  const context: unknown = call?.ctx
  return typeof context === 'object' && context !== null ? context : undefined
}

/** The response that a call belongs to; `undefined` when the call does not tell. */
export function responseOf(call: KoaStoreCall | undefined): Emitter | undefined {
  const context = contextOf(call)
  const response: unknown = context && Reflect.get(context, 'res')
  return isEmitter(response) ? response : undefined
}

/** Whether the request of a call has a session: `ctx.session = null` takes it away. */
export function hasSession(call: KoaStoreCall | undefined): boolean {
  const context = contextOf(call)
  const session: unknown = context && Reflect.get(context, 'session')
  return typeof session === 'object' && session !== null
}
