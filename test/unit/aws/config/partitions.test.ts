import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { partitionOf } from '../../../../src/aws/config/partitions.ts'

describe('partitionOf', () => {
  test.each([
    ['us-east-1', 'aws', 'amazonaws.com', 'api.aws'],
    ['mx-central-1', 'aws', 'amazonaws.com', 'api.aws'],
    ['cn-northwest-1', 'aws-cn', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
    ['us-gov-east-1', 'aws-us-gov', 'amazonaws.com', 'api.aws'],
    ['us-iso-west-1', 'aws-iso', 'c2s.ic.gov', 'api.aws.ic.gov'],
    ['us-isob-west-1', 'aws-iso-b', 'sc2s.sgov.gov', 'api.aws.scloud'],
    ['eu-isoe-west-1', 'aws-iso-e', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
    ['us-isof-south-1', 'aws-iso-f', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
    ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ])('%s is in %s', (region, id, dnsSuffix, dualStackDnsSuffix) => {
    expect(partitionOf(region)).toEqual({ id, dnsSuffix, dualStackDnsSuffix })
  })

  test.each([
    'xx-future-9',
    'cnx-east-1',
    'cn-north',
    'us-gov-west',
    'eusc-fr-east-1',
    'local',
    'aws-global',
    '',
  ])('a region that no partition claims, such as %j, is taken for a commercial one', region => {
    expect(partitionOf(region).id).toBe('aws')
  })
})

interface PartitionFile {
  readonly partitions: readonly {
    readonly id: string
    readonly outputs: { readonly dnsSuffix: string; readonly dualStackDnsSuffix: string }
    readonly regions: Readonly<Record<string, unknown>>
  }[]
}

const publicData = new URL('../../../../../shared/data/partitions.json', import.meta.url)

describe.skipIf(!existsSync(publicData))('the published list of partitions', () => {
  const partitions = existsSync(publicData)
    ? (JSON.parse(readFileSync(publicData, 'utf8')) as PartitionFile).partitions
    : []
  const regions = partitions.flatMap(({ id, outputs, regions: names }) =>
    Object.keys(names).map(region => ({ region, id, outputs })),
  )

  test('is complete', () => {
    expect(partitions.length).toBe(8)
  })

  test.each(regions)('$region is in $id', ({ region, id, outputs: { dnsSuffix, dualStackDnsSuffix } }) => {
    expect(partitionOf(region)).toEqual({ id, dnsSuffix, dualStackDnsSuffix })
  })
})
