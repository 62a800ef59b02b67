/*
 * Replaces the clock of the process, for everything that is loaded after it, with one that can be moved ahead: the
 * stores then live through hours of page views in seconds. Timers and performance.now() are left alone.
 */
const RealDate = Date
let aheadMs = 0

/** @param {number} ms Rounded, because clocks of this kind only show whole milliseconds. */
export function moveClock(ms) {
  aheadMs += Math.round(ms)
}

function now() {
  return RealDate.now() + aheadMs
}

// A proxy, so that dates made before and after are dates of the same class.
globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) => {
    /** @type {unknown} */
    const date = Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget)
    return /** @type {Date} */ (date)
  },
  get: (target, name, receiver) => {
    /** @type {unknown} */
    const value = name === 'now' ? now : Reflect.get(target, name, receiver)
    return value
  },
})
