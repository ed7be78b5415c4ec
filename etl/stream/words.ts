/**
 * The words of a declaration. Each is a function that makes a field; what it takes, stores and gives to
 * `derive` stands at the word. Every one has `.optional()` and `.default(value)`, and the option `column`.
 */
export { currencyCode, list, oneOf, text, uuid } from './words/texts.ts'
export { flag, instant, int, money, percent } from './words/values.ts'
/** Of rollups and figures. */
export { count, sum } from './measures.ts'
