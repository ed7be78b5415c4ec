/**
 * The words of a declaration. Each is a function that makes a field; what it takes, stores and gives to
 * `derive` stands at the word. Every one has `.optional()` and `.default(value)`, and the options `column` and `at`.
 */
export { currencyCode, json, list, oneOf, text, uuid } from './words/texts.ts'
export { day, instant } from './words/times.ts'
export { decimal } from './words/decimals.ts'
export { money } from './words/money.ts'
export { flag, int, percent } from './words/values.ts'
export { rows } from './words/rows.ts'
/** In place of a path. */
export { envelope, header, key } from './words/places.ts'
/** Of rollups and figures. */
export { count, sum } from './measures.ts'
