/**
 * The words of a declaration. Each is a function that makes a field; what it takes, stores and gives to
 * `derive` stands at the word. Every one has `.optional()` and `.default(value)`, and the options `column` and `at`.
 */
export { currencyCode, json, list, oneOf, text, uuid } from './words/texts.ts'
export { day, instant } from './words/times.ts'
export { decimal, flag, int, money, percent } from './words/values.ts'
/** In place of a path. */
export { envelope, header, key } from './words/places.ts'
/** Of rollups and figures. */
export { count, sum } from './measures.ts'
