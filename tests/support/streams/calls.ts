import { defineStream } from '../../../etl/stream/define.ts'
import { count, flag, instant, int, money, oneOf, rows, sum, text, uuid } from '../../../etl/stream/words.ts'

/** What a call says of itself, in its first declaration. */
const fields = {
  call_id: uuid(),
  at: instant({ column: 'called_at' }),
  line: text(20),
  seconds: int({ min: 0 }),
}

/** What was declared of it later, each of which older rows have nothing of. */
const later = {
  agent: text(20, { column: 'agent_name' }).optional(),
  fee: money({ min: 0 }).optional(),
  is_paid: flag().optional(),
  parts: rows({ what: text(10), units: int() }).optional(),
}

const measures = { calls: count(), seconds: sum('seconds') }

/** Calls as they were declared at first. */
export const firstCalls = defineStream('calls', {
  title: 'call',
  topic: { key: 'line' },
  fields,
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'call_id', scope: 'warehouse', keys: 'call_keys' },
  derived: { is_long: flag() },
  derive: ({ seconds }) => ({ is_long: seconds > 60 }),
  rollups: { calls_by_hour: { every: 'hour', by: ['line'], measures } },
})

/** The same with fields, measures and lines that came later; what is derived goes by one of them. */
export const calls = defineStream('calls', {
  title: 'call',
  topic: { key: 'line' },
  fields: { ...fields, ...later, source: oneOf(['phone', 'web']).default('phone') },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'call_id', scope: 'warehouse', keys: 'call_keys' },
  derived: { is_long: flag() },
  derive: ({ seconds, fee }) => ({ is_long: seconds > 60 || (fee ?? 0) > 5_00 }),
  rollups: {
    calls_by_hour: {
      every: 'hour',
      by: ['line'],
      measures: { ...measures, fee: sum('fee'), paid: count({ where: 'is_paid' }) },
    },
  },
  replayFigures: { fees: sum('fee') },
})

/** What its migration adds to the tables of the first. */
export const GROWN = `
  alter table calls add column agent_name varchar(20) collate "C", add column fee numeric(12, 2), add column is_paid boolean,
    add column parts integer, add column source varchar(5) collate "C" not null default 'phone';
  alter table calls_by_hour add column fee numeric not null default 0, add column paid bigint not null default 0;
  create table calls_parts (called_at timestamptz not null, call_id uuid not null, line_no integer not null,
    units bigint not null, what varchar(10) collate "C" not null, primary key (called_at, call_id, line_no))
    partition by range (called_at)`
