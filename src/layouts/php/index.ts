export { isSamePhpValue } from './js-values.ts'
export { PhpObject, PhpReference } from './node-reader.ts'
export { phpSerialize, phpUnserialize } from './serialize.ts'
export {
  type PhpCodecOptions,
  phpSessionCodec,
  type PhpSessionCodec,
  type PhpSerializer,
} from './session-format.ts'
export { PhpArray, PhpBytes, PhpFloat, PhpFormatError, type PhpKey } from './values.ts'
