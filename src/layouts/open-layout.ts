import { invalidOption } from '../errors.ts'
import type { Layout } from './layout.ts'
import type { LayoutName, LayoutOptions } from './layout-settings.ts'
import { DEFAULT_PARTITION_KEY, NATIVE_ATTRIBUTES, nativeLayout, type NativeLayoutOptions } from './native.ts'

/** The options of a store that decide how a session is written as an item, checked. */
export interface LayoutSettings extends LayoutOptions, NativeLayoutOptions {}

/** The attributes that the items of a layout have besides their key; those of php have more, named by options. */
const ATTRIBUTES: Readonly<Record<LayoutName, readonly string[]>> = {
  native: NATIVE_ATTRIBUTES,
  php: ['lock', 'lockUntil'],
  'connect-dynamodb': ['sess', 'expires', 'type'],
  'dynamodb-store': ['sess', 'expires'],
  'connect-dynamodb-session': ['content', 'expires'],
  pwrdrvr: ['sess', 'expires'],
  'serverless-dynamodb-session-store': ['session_data', 'expireTime', 'expireTime_TTL'],
  'koa-session-dynamodb': ['session', 'expires'],
  adonis: ['value', 'expires_at'],
  architect: ['_ttl'],
  'aws-ruby': ['data', 'expire_at', 'created_at'],
  laravel: ['value', 'expires_at'],
}

/** Whether sessions are in the package's own layout. */
export function isNative({ layout }: Pick<LayoutOptions, 'layout'>): boolean {
  return layout === undefined || layout === 'native'
}

/**
 * The layout that the options name; that of other software is loaded when it is needed.
 *
 * @throws {TypeError} `INVALID_OPTION` when the options contradict the layout.
 */
export async function openLayout(settings: LayoutSettings): Promise<Layout> {
  const { layout = 'native' } = settings
  checkAttributes(settings)
  if (layout === 'native') return nativeLayout(settings)
  if (layout === 'php' || layout === 'laravel') {
    const { phpLayout, laravelLayout } = await import('./php/php-layouts.ts')
    return layout === 'php' ? phpLayout(settings) : laravelLayout(settings)
  }
  const { foreignLayout } = await import('./foreign/rows.ts')
  return foreignLayout(layout, settings)
}

/**
 * Refuses options by which an attribute of an item would hold two things. Layouts take for granted that none does.
 *
 * @param keyOption what the option `partitionKey` is called where the settings come from.
 * @throws {TypeError} `INVALID_OPTION`
 */
export function checkAttributes(settings: LayoutSettings, keyOption = 'partitionKey'): void {
  const { layout = 'native', partitionKey, specialKeys = [] } = settings
  const { dataAttribute = 'data', ttlAttribute = 'expires' } = settings
  const own = layout === 'php' ? [dataAttribute, ttlAttribute] : []
  const attributes = [...own, ...ATTRIBUTES[layout]]
  if (new Set(attributes).size < attributes.length) {
    throw invalidOption(
      'the options "dataAttribute" and "ttlAttribute" must be different attributes, and neither "lock" nor "lockUntil"',
    )
  }
  // A special key may take the place of the mark `type`.
  const taken = new Set([partitionKey ?? DEFAULT_PARTITION_KEY, ...attributes])
  taken.delete('type')
  const special = specialKeys.find(({ name }) => taken.has(name))
  const isKeyTaken = partitionKey !== undefined && attributes.includes(partitionKey)
  if (special === undefined && !isKeyTaken) return
  const mistake = isKeyTaken
    ? `"${keyOption}" cannot be "${partitionKey}"`
    : `"specialKeys" cannot have "${special?.name}"`
  throw invalidOption(`the option ${mistake}, an attribute that holds something else of a session`)
}
