/**
 * What an earlier caller is waiting for already, else what `start` begins: callers of the same key share one outcome
 * for as long as it is not settled.
 */
export function sharedFlight<T>(
  flights: Map<string, Promise<T>>,
  key: string,
  start: () => Promise<T>,
): Promise<T> {
  const underway = flights.get(key)
  if (underway !== undefined) return underway
  const flight = start().finally(() => flights.delete(key))
  flights.set(key, flight)
  return flight
}
