import { queryVariable } from './dashboard.ts'

/** Which streams the pipeline dashboard shows: all of them at first. */
export const streamVariable = queryVariable({
  name: 'stream',
  label: 'Stream',
  description: 'What each record type does; all of them at first',
  sql: `
    select name from audit.streams
    where retired_at is null or $__timeFilter(retired_at)
    order by name
  `,
})

const CHOSEN = 'array[${stream:sqlstring}]::text[]'

/** The chosen ones, as conditions: an array, so that a warehouse without any still gives valid SQL. */
export const OF_STREAMS = `stream = any(${CHOSEN})`
/** Of rows that have the topic and not the stream. */
export const OF_TOPICS = `topic in (select topic from audit.partition_progress where ${OF_STREAMS})`

/** Whether several are chosen, so that what is shown must say of which it is. */
export const SEVERAL = `cardinality(${CHOSEN}) > 1`
