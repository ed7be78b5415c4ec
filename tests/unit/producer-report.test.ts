import { describe, expect, test } from 'vitest'
import { report, type StreamTally } from '../../producer/tally.ts'

const ofStream = (change: Partial<StreamTally> = {}): StreamTally => ({
  sent: { valid: 90, duplicate: 6, conflicting: 2, invalid: 2 },
  total: 100,
  invalidKinds: { not_utf8: 2 },
  inDoubt: 0,
  ...change,
})
const aTally = (change: Partial<StreamTally> = {}) => {
  const visits = ofStream(change)
  return { streams: { visits }, steps: visits.total }
}

describe('the last line', () => {
  test('says what was sent, by kind', () => {
    expect(report(aTally(), 10_000)).toEqual({
      message: 'sent 100 records in 10.0 s: 90 valid, 6 duplicate, 2 conflicting, 2 invalid',
      fields: {
        total: 100,
        sent: { valid: 90, duplicate: 6, conflicting: 2, invalid: 2 },
        inDoubt: 0,
        streams: { visits: ofStream() },
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

  test('counts the steps of several streams, and says the records of all', () => {
    const tally = { streams: { visits: ofStream(), orders: ofStream({ inDoubt: 1 }) }, steps: 20 }
    const { message, fields } = report(tally, 10_000, 2)
    expect(message).toContain('sent 200 records of 2 streams in 10.0 s: 180 valid, 12 duplicate')
    expect(fields).toMatchObject({
      total: 200,
      inDoubt: 1,
      rate: 2,
      rateReached: true,
      streams: tally.streams,
    })
  })

  test('warns of records that were handed over and not acknowledged', () => {
    const { message, warning } = report(aTally({ inDoubt: 17 }), 10_000)
    expect(message).toContain('17 more were handed over and not acknowledged')
    expect(warning).toBe(true)
  })
})
