/** What a terminal or a log obeys instead of showing it: control characters, line breaks, changes of direction. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A text from outside as it may stand in a message, an error, a trace or a log: of limited length, without characters that
 * do anything there. It is not checked for secrets.
 */
export function foreignText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll(OBEYED, ' ').trim()
}

const REQUEST_ID = /^[\w.:+/=-]{1,128}$/

/** The ID that a service gives a response, if it is one: anything else is of no use to anybody, and not passed on. */
export function requestIdIn(value: string | undefined): string | undefined {
  return value !== undefined && REQUEST_ID.test(value) ? value : undefined
}
