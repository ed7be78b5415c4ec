import { describe, expect, test } from 'vitest'
import { report, type Tally } from '../../producer/tally.ts'

const aTally = (change: Partial<Tally> = {}): Tally => ({
  sent: { valid: 90, duplicate: 6, conflicting: 2, invalid: 2 },
  total: 100,
  invalidKinds: { not_utf8: 2 },
  inDoubt: 0,
  ...change,
})

describe('the last line', () => {
  test('says what was sent, by kind', () => {
    expect(report(aTally(), 10_000)).toEqual({
      message: 'sent 100 records in 10.0 s: 90 valid, 6 duplicate, 2 conflicting, 2 invalid',
      fields: {
        total: 100,
        sent: { valid: 90, duplicate: 6, conflicting: 2, invalid: 2 },
        invalidKinds: { not_utf8: 2 },
        inDoubt: 0,
        seconds: 10,
        rate: 10,
      },
      warning: false,
    })
  })

  test('says that a rate was reached', () => {
    const { message, fields, warning } = report(aTally(), 10_000, 10)
    expect(fields).toMatchObject({ rate: 10, askedRate: 10, rateReached: true })
    expect(message).not.toContain('instead of')
    expect(warning).toBe(false)
  })

  test('says that a rate was not reached, and which was', () => {
    const { message, fields, warning } = report(aTally(), 10_000, 30_000)
    expect(fields).toMatchObject({ rate: 10, askedRate: 30_000, rateReached: false })
    expect(message).toContain('10/s instead of 30000/s')
    expect(warning).toBe(true)
  })

  test('says nothing of the rate when there was no time to reach it', () => {
    const nothing = aTally({ total: 0 })
    expect(report(nothing, 0, 5)).toMatchObject({ warning: false, fields: { rate: 0 } })
    expect(report(aTally({ total: 1 }), 3_000, 0.5).warning).toBe(false)
  })

  test('warns of records that were handed over and not acknowledged', () => {
    const { message, warning } = report(aTally({ inDoubt: 17 }), 10_000)
    expect(message).toContain('17 more were handed over and not acknowledged')
    expect(warning).toBe(true)
  })
})
