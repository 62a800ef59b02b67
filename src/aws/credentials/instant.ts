const ISO_INSTANT =
  /^(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*(z|utc|gmt|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/]+\])?$/i

/**
 * Reads an instant as tools for AWS write it: `2026-01-31T12:00:00Z`, also with `UTC` or `GMT` for the `Z` (older versions
 * of the AWS CLI), with an offset, with a blank for the `T`, and in the other forms that `Date` reads. An instant without a
 * time zone is in UTC, wherever this machine is.
 *
 * @returns `undefined` for anything else.
 */
export function instantOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const [, day, time, fraction = '0', zone = 'Z'] = ISO_INSTANT.exec(text.trim()) ?? []
  const isOffset = /^[+-]/.test(zone)
  const offset = isOffset ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z'
  const date = new Date(day === undefined ? text : `${day}T${time}.${fraction.slice(0, 3)}${offset}`)
  return Number.isNaN(date.getTime()) ? undefined : date
}
