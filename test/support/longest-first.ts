import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Starts the tests of the packed package first: npm, Jest and compilers take minutes of a busy machine, and what is begun
 * last is what a run waits for. Then one project follows the other: a process that has loaded the sources goes on only with
 * the next file in line, and ends when that belongs to another project.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

function rankOf({ moduleId, project }: TestSpecification): number {
  return moduleId.includes('/test/package/') ? -1 : project.vitest.projects.indexOf(project)
}
