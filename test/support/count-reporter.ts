import type { Reporter, TestModule } from 'vitest/node'

/**
 * Prints what a run came to in its last line: `123 passed, 0 failed, 4 skipped`. A file that cannot be loaded counts as one
 * that failed, and so does an error that no test has caught.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(testModules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const testModule of testModules) {
      const failedBefore = counts.failed
      for (const test of testModule.children.allTests()) counts[test.result().state]++
      if (testModule.state() === 'failed' && counts.failed === failedBefore) counts.failed++
    }
    process.stdout.write(
      `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped + counts.pending} skipped\n`,
    )
  }
}
