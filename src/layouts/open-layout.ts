import type { Layout, LayoutOptions } from './layout.ts'
import { nativeLayout, type NativeLayoutOptions } from './native.ts'

/** The options of a store that decide how a session is written as an item, checked. */
export interface LayoutSettings extends LayoutOptions, NativeLayoutOptions {}

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
  if (layout === 'native') return nativeLayout(settings)
  if (layout === 'php' || layout === 'laravel') {
    const { phpLayout, laravelLayout } = await import('./php/php-layouts.ts')
    return layout === 'php' ? phpLayout(settings) : laravelLayout(settings)
  }
  const { foreignLayout } = await import('./foreign/rows.ts')
  return foreignLayout(layout, settings)
}
