/** Latest moment that a JavaScript `Date` can hold, in epoch milliseconds. */
export const LATEST_MS = 8.64e15

/** The moment that a `Date` can hold which comes next to another. */
export function withinDateRange(epochMs: number): number {
  return Math.max(-LATEST_MS, Math.min(LATEST_MS, epochMs))
}
