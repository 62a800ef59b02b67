/** Text that is HTML or SVG already. Everything else is escaped when {@link markup} puts it into a page. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Markup | readonly Markup[]

/**
 * A piece of HTML or SVG, as a tagged template: what is filled in is escaped, for text and for attributes in quotation
 * marks, unless it is markup itself.
 */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const texts = parts.map(part => {
    if (part instanceof Markup) return part.text
    return typeof part === 'object' ? part.map(({ text }) => text).join('') : escaped(String(part))
  })
  return new Markup(template.map((text, index) => text + (texts[index] ?? '')).join(''))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => ENTITIES[character] ?? '')
}

/** A bar of a plot. */
export interface Bar {
  readonly value: number
  /** What the bar says to who points at it. */
  readonly title: string
}

const HEIGHT = 100
const BAR_WIDTH = 10
const GAP = 1
/** A lower bar would be invisible, and look like zero. */
const LEAST_HEIGHT = 1

/**
 * Bars that stand next to each other. There is no text in it: it takes any width, and text would be squeezed with it.
 *
 * @param title what it shows, in words, for who cannot see it.
 */
export function columnPlot(title: string, bars: readonly Bar[]): Markup {
  const highest = Math.max(1, ...bars.map(({ value }) => value))
  const columns = bars.map(({ value, title: said }, index) => {
    const height = value === 0 ? 0 : Math.max(LEAST_HEIGHT, (HEIGHT * value) / highest)
    const x = index * BAR_WIDTH + GAP / 2
    return markup`<rect x="${x}" y="${rounded(HEIGHT - height)}" width="${BAR_WIDTH - GAP}" height="${rounded(height)}"><title>${said}</title></rect>`
  })
  const width = bars.length * BAR_WIDTH
  return markup`<svg class="columns" role="img" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none"><title>${title}</title>${columns}</svg>`
}

/** A bar for a row of a table, whose number says the same. */
export function shareBar(share: number): Markup {
  return markup`<svg class="share" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none"><rect width="${rounded(share * 100)}" height="10"/></svg>`
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
