import { isSameJson, parseSessionData, stringifySessionData } from '../json.ts'
import type { SessionCodec } from '../layout.ts'

/**
 * JSON of software with other numbers than JavaScript: integers beyond 2^53, or `1.0` that is not `1`. Keys that have not
 * changed are written as they are stored.
 */
export const sourceJsonCodec: SessionCodec = {
  encode: (data, basis) => {
    const text = stringifySessionData(data)
    return basis === undefined ? text : withUnchanged(text, basis)
  },
  decode: parseSessionData,
  decodeExactly: parseSessionData,
  isSame: isSameJson,
}

function withUnchanged(text: string, stored: string): string {
  const before = sourcesIn(stored)
  const members = [...sourcesIn(text)].map(([key, source]) => {
    const known = before.get(key)
    const isUnchanged = known !== undefined && isSameJson(JSON.parse(known), JSON.parse(source))
    return `${JSON.stringify(key)}:${isUnchanged ? known : source}`
  })
  return `{${members.join(',')}}`
}

/** The texts of the values in the text of a JSON object, by key. Of a key that is there twice, the last counts. */
function sourcesIn(text: string): Map<string, string> {
  const sources = new Map<string, string>()
  let key: string | undefined
  let start = 0
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (isInString) {
      if (character === '\\') index++
      else if (character === '"') isInString = false
      continue
    }
    if (character === '"') isInString = true
    else if (character === '{' || character === '[') {
      if (depth++ === 0) start = index + 1
    } else if (character === '}' || character === ']') depth--
    else if (character === ':' && depth === 1) {
      key = String(JSON.parse(text.slice(start, index)))
      start = index + 1
    }
    const isEnd = depth === 0 || (depth === 1 && character === ',')
    if (!isEnd || key === undefined) continue
    sources.set(key, text.slice(start, index).trim())
    key = undefined
    start = index + 1
  }
  return sources
}
