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
