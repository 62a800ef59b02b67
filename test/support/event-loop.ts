/** Lets nothing else run in this process for a while. */
export function blockEventLoop(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}
