import { describe, expect, test } from 'vitest'
import { assess, checkedFraudRules, FRAUD_RULES, type FraudRule } from '../../fraud-rules.ts'
import { CURRENCY_CODES } from '../../../../etl/stream/currency-codes.ts'
import { aTransaction } from '../support/a-transaction.ts'

const aRule = (overrides: Partial<FraudRule> = {}): FraudRule => ({
  id: 'always',
  condition: () => true,
  weight: 40,
  reason: 'it always is',
  enabled: true,
  ...overrides,
})

describe('the default fraud rules', () => {
  test.each([
    [1, false],
    [999_99, false],
    [1_000_00, false],
    [1_000_01, true],
    [999_999_999_999, true],
  ])('on %i cents, flagged is %s', (amount, flagged) => {
    expect(assess(aTransaction({ amount }), FRAUD_RULES).is_fraud_flagged).toBe(flagged)
  })

  test('flag an amount over 1000 whatever the currency, and name the reason', () => {
    for (const currency of CURRENCY_CODES) {
      expect(assess(aTransaction({ amount: 1_000_01, currency }), FRAUD_RULES)).toEqual({
        is_fraud_flagged: true,
        fraud_score: 50,
        fraud_reasons: ['amount over 1000'],
      })
    }
  })

  test('are one, with the others there to be switched on', () => {
    expect(FRAUD_RULES.filter((rule) => rule.enabled).map((rule) => rule.id)).toEqual(['high-amount'])
    expect(FRAUD_RULES.length).toBeGreaterThan(1)
  })

  test.each([
    ['high-risk-category', { product_category: 'gift_cards' }, true],
    ['high-risk-category', { product_category: 'books' }, false],
    ['night-hours', { timestamp: Date.parse('2026-11-21T00:00:00Z') * 1_000 }, true],
    ['night-hours', { timestamp: Date.parse('2026-11-21T05:00:00Z') * 1_000 - 1 }, true],
    ['night-hours', { timestamp: Date.parse('2026-11-21T05:00:00Z') * 1_000 }, false],
    ['night-hours', { timestamp: -1 }, false],
  ])('%s, switched on, judges %j as %s', (id, overrides, flagged) => {
    const rules = FRAUD_RULES.map((rule) => ({ ...rule, enabled: rule.id === id }))
    expect(assess(aTransaction({ amount: 1, ...overrides }), rules).is_fraud_flagged).toBe(flagged)
  })
})

describe('an assessment', () => {
  test('without a rule that finds anything is clean', () => {
    const never = aRule({ condition: () => false })
    expect(assess(aTransaction(), [never])).toEqual({
      is_fraud_flagged: false,
      fraud_score: 0,
      fraud_reasons: [],
    })
  })

  test('leaves out rules that are switched off, without asking them', () => {
    const off = aRule({
      enabled: false,
      condition: () => {
        throw new Error('asked')
      },
    })
    expect(assess(aTransaction(), [off]).is_fraud_flagged).toBe(false)
  })

  test('adds up the weights and keeps the reasons in the order of the rules', () => {
    const rules = [aRule({ id: 'a', weight: 30, reason: 'A' }), aRule({ id: 'b', weight: 20, reason: 'B' })]
    expect(assess(aTransaction(), rules)).toEqual({
      is_fraud_flagged: true,
      fraud_score: 50,
      fraud_reasons: ['A', 'B'],
    })
  })

  test('ends at a score of 100', () => {
    const rules = [aRule({ id: 'a', weight: 70 }), aRule({ id: 'b', weight: 70 })]
    expect(assess(aTransaction(), rules).fraud_score).toBe(100)
  })
})

describe('a set of rules', () => {
  test.each([
    ['an id that occurs twice', [aRule(), aRule()], /always occurs twice/],
    ['a weight of 0', [aRule({ weight: 0 })], /weight 0/],
    ['a weight over 100', [aRule({ weight: 101 })], /weight 101/],
    ['a weight that is no integer', [aRule({ weight: 0.5 })], /weight 0.5/],
    ['an empty reason', [aRule({ reason: ' ' })], /no reason/],
  ])('is refused for %s', (_, rules, message) => {
    expect(() => checkedFraudRules(rules)).toThrow(message)
  })
})
