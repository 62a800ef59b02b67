import type { Emitter } from '../../internal/core-objects.ts'
import { responseTo } from '../shared/request-end.ts'

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

/** Whether a call comes from a request, or what stands for one. */
export function isOfRequest(call: KoaStoreCall | undefined): boolean {
  const context = contextOf(call)
  return context !== undefined && ('req' in context || 'res' in context)
}

/** The request that a call belongs to, and the response that ends it; `undefined` when there is none. */
export function exchangeOf(
  call: KoaStoreCall | undefined,
): { readonly request: object; readonly response: Emitter } | undefined {
  const context = contextOf(call)
  if (context === undefined) return undefined
  const request: unknown = Reflect.get(context, 'req')
  const known = typeof request === 'object' && request !== null ? request : {}
  const response = responseTo(known, Reflect.get(context, 'res'))
  return response && { request: known, response }
}

/** Whether the request of a call has a session: `ctx.session = null` takes it away. */
export function hasSession(call: KoaStoreCall | undefined): boolean {
  const context = contextOf(call)
  const session: unknown = context && Reflect.get(context, 'session')
  return typeof session === 'object' && session !== null
}
