import { z } from 'zod'
import { defineStream } from '../../../etl/stream/define.ts'
import {
  count,
  currencyCode,
  flag,
  instant,
  list,
  money,
  percent,
  sum,
  text,
  uuid,
} from '../../../etl/stream/words.ts'

/** What `derive` of parcels goes by. */
export interface ParcelRules {
  /** Of the fee. */
  readonly perMille: number
  /** In hundredths: dearer ones are marked. */
  readonly dearAbove: number
  readonly rank: number
  readonly remark: string
}

export const BY_DEFAULT: ParcelRules = {
  perMille: 85,
  dearAbove: 1_000_00,
  rank: 50,
  remark: 'fee over 1000',
}

/**
 * A stream that has all that a declaration can: a table of keys, what is derived by rules from the environment, a
 * rollup, an invariant, figures of a replay. For what the engine promises of these, whatever stream is installed.
 */
export const parcels = defineStream('parcels', {
  title: 'parcel',
  topic: { key: 'sender' },
  fields: {
    parcel_id: uuid(),
    fee: money(),
    currency: currencyCode(),
    weighed: instant({ column: 'weighed_at' }),
    sender: text(50),
    depot: text(50),
  },
  eventTime: 'weighed',
  partitionBy: 'month',
  identity: { once: 'parcel_id', scope: 'warehouse', keys: 'parcel_keys' },
  indexes: { sender: { on: 'sender' }, dear: { on: 'weighed', where: 'is_dear' } },
  derived: {
    surcharge: money(),
    total: money({ digits: 14 }),
    is_dear: flag(),
    rank: percent(),
    remarks: list(text(200)),
  },
  environment: { PARCELS_PER_MILLE: z.coerce.number().int().default(85) },
  rules: ({ PARCELS_PER_MILLE }): ParcelRules => ({ ...BY_DEFAULT, perMille: PARCELS_PER_MILLE }),
  derive: ({ fee }, { perMille, dearAbove, rank, remark }) => {
    const surcharge = Number((BigInt(fee) * BigInt(perMille) + 500n) / 1000n)
    const isDear = fee > dearAbove
    return {
      surcharge,
      total: fee + surcharge,
      is_dear: isDear,
      rank: isDear ? rank : 0,
      remarks: isDear ? [remark] : [],
    }
  },
  rollups: {
    parcels_by_minute: {
      every: 'minute',
      by: ['currency', 'depot'],
      measures: {
        parcels: count(),
        dear: count({ where: 'is_dear' }),
        fee: sum('fee'),
        surcharge: sum('surcharge'),
        dear_fee: sum('fee', { where: 'is_dear' }),
      },
    },
  },
  invariants: {
    totals: {
      rule: 'the total of each parcel is its fee and its surcharge',
      holds: 'total = fee + surcharge',
      shows: ['total', 'fee', 'surcharge'],
    },
  },
  replayFigures: {
    dear: count({ where: 'is_dear' }),
    surcharge: { ...sum('surcharge'), by: 'currency' },
  },
})
