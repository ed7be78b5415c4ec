import { defineStream } from '../../../etl/stream/define.ts'
import { decimal, instant, text } from '../../../etl/stream/words.ts'

/** Avro by a schema registry, whose schema gets a field while it runs. */
export const readings = defineStream('readings', {
  title: 'reading',
  topic: { key: 'meter' },
  envelope: 'registry',
  fields: {
    meter: text(40),
    at: instant({ epoch: 'ms', column: 'read_at' }),
    value: decimal({ digits: 12, scale: 2 }),
    unit: text(10).default('kWh'),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'meter', scope: 'event_time' },
})
