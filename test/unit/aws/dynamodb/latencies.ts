/** Random numbers that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Latencies as DynamoDB's: log-normal, 4 ms at the median and 25 ms at the 99th percentile; 200 ms for one in 2,000. */
export function dynamoDBLatency(random: () => number): number {
  if (random() < 1 / 2000) return 200
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return 4 * Math.exp((Math.log(25 / 4) / 2.326) * normal)
}

/** The latencies that these shares of all do not exceed. */
export function quantilesOf(
  latenciesMs: readonly number[],
): Readonly<Record<'p50' | 'p99' | 'p999' | 'p9999', number>> {
  const sorted = latenciesMs.toSorted((one, other) => one - other)
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999), p9999: quantile(0.9999) }
}
