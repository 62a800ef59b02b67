/*
 * What an app has to know to find the session of the benchmark. A file of its own, so that the apps whose start is
 * measured load nothing else of the benchmark.
 */

export const table = 'sessions'

/** An ID of the length that express-session makes. */
export const sessionId = 'hx4QvYxK2mPzN8rT1wLcB6dJ0sGfEaUy'

/** Partition key of the session in the native layout: base64url of the ID's SHA-256. */
export const nativeKey = 'WLcGM5-vsur35bR-icCKjTG8JxnxnsDlMjP1SLapMTA'

/**
 * The ID of the session that a lane works on. Writers of one session wait for each other and are written together, which is
 * measured as a storm, and is not what requests of many visitors do.
 *
 * @param {number} lane
 */
export function sessionIdOf(lane) {
  return sessionId.slice(0, -4) + String(lane).padStart(4, '0')
}
