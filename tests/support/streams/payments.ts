import { defineStream } from '../../../etl/stream/define.ts'
import { count, currencyCode, envelope, instant, int, money, sum } from '../../../etl/stream/words.ts'

/** Rows of a table by Debezium: dinars with three decimals, yen with none, refunds below zero. */
export const payments = defineStream('payments', {
  title: 'payment',
  topic: { key: 'id' },
  envelope: 'debezium',
  fields: {
    id: int(),
    currency: currencyCode(),
    amount: money({ of: 'currency', min: -1_000_000 }),
    lsn: int({ at: envelope('source.lsn') }),
    changed: instant({ epoch: 'ms', at: envelope('source.ts_ms'), column: 'changed_at' }),
  },
  eventTime: 'changed',
  identity: { latest: 'id', by: 'lsn' },
  rollups: {
    payments_by_day: {
      every: 'day',
      by: ['currency'],
      measures: { payments: count(), amount: sum('amount') },
    },
  },
})
