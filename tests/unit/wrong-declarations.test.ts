import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineStream, StreamError } from '../../etl/stream/define.ts'
import { plus } from '../../etl/stream/amount.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import {
  count,
  currencyCode,
  envelope,
  flag,
  instant,
  int,
  key,
  list,
  money,
  oneOf,
  rows,
  sum,
  text,
  uuid,
} from '../../etl/stream/words.ts'

/** What is right about all of them; each wrong one says one thing besides. */
const fields = { visit_id: uuid(), at: instant(), page: text(50), amount: money(), note: text(20).optional() }
const visit = {
  title: 'visit',
  topic: { key: 'page' },
  fields,
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'visit_id', scope: 'event_time' },
} as const

const { partitionBy: _, identity: __, ...versions } = visit
/** With amounts of currencies. */
const priced = { ...fields, currency: currencyCode(), price: money({ of: 'currency' }) }

/** Each doesn't compile, and is refused when it is run: [what, the declaration, what is said of it]. */
const WRONG: [what: string, declare: () => Definition, said: string][] = [
  [
    'a field that is no word',
    // @ts-expect-error text is to be called
    () => defineStream('visits', { ...visit, fields: { ...fields, page: text } }),
    'fields.page is no word such as text(50)',
  ],
  [
    'a key that is no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...visit, topic: { key: 'url' } }),
    'topic.key is "url"; it must be one of visit_id, at, page, amount, note',
  ],
  [
    'an event time that is no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...visit, eventTime: 'time' }),
    'eventTime is "time"; it must be one of visit_id, at, page, amount, note',
  ],
  [
    'a text as event time',
    // @ts-expect-error a text is no time
    () => defineStream('visits', { ...visit, eventTime: 'page' }),
    'eventTime is page, a field of kind text; it must be instant',
  ],
  [
    'a misspelt identity',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...visit, identity: { once: 'VISIT_ID', scope: 'event_time' } }),
    'identity.once is "VISIT_ID"; it must be one of',
  ],
  [
    'an identity that may be missing',
    // @ts-expect-error null tells nothing apart
    () => defineStream('visits', { ...visit, identity: { once: ['visit_id', 'note'], scope: 'event_time' } }),
    "identity.once: note can't be optional",
  ],
  [
    'money as identity',
    // @ts-expect-error an amount names nothing
    () => defineStream('visits', { ...visit, identity: { once: 'amount', scope: 'event_time' } }),
    'identity.once is amount, a field of kind money; it must be uuid or text or oneOf or int',
  ],
  [
    'an identity in the warehouse without a table of keys',
    // @ts-expect-error keys is missing
    () => defineStream('visits', { ...visit, identity: { once: 'visit_id', scope: 'warehouse' } }),
    'identity.keys must name the table of keys',
  ],
  [
    'an identity of a kind that is none',
    // @ts-expect-error no such scope
    () => defineStream('visits', { ...visit, identity: { once: 'visit_id', scope: 'day' } }),
    'identity.scope is "day"; it must be warehouse or event_time',
  ],
  [
    'an identity of no kind',
    // @ts-expect-error neither once nor latest
    () => defineStream('visits', { ...visit, identity: { first: 'visit_id' } }),
    "identity must say which field happens once, such as { once: 'order_id', … }, or has versions",
  ],
  [
    'a start that is none',
    // @ts-expect-error no such place
    () => defineStream('visits', { ...visit, start: 'newest' }),
    'start is "newest"; it must be beginning, end or a time in UTC such as 2026-01-01T00:00:00Z',
  ],
  [
    'a start at a time without its zone',
    // @ts-expect-error whose midnight?
    () => defineStream('visits', { ...visit, start: '2026-01-01T00:00:00' }),
    'start is "2026-01-01T00:00:00"; it must be beginning, end or a time in UTC',
  ],
  [
    'a start of a date that is a Date',
    // @ts-expect-error written as text, so that it can be compared and shown
    () => defineStream('visits', { ...visit, start: new Date(0) }),
    'it must be beginning, end or a time in UTC',
  ],
  [
    'versions that start at the end',
    () =>
      defineStream('visits', {
        ...versions,
        identity: { latest: 'visit_id', by: 'at' },
        // @ts-expect-error keys that have not changed since would be missing
        start: 'end',
      }),
    'start is end; it must be beginning, or keys that have not changed since would be missing',
  ],
  [
    'versions that start at a time',
    () =>
      defineStream('visits', {
        ...versions,
        identity: { latest: 'visit_id', by: 'at' },
        // @ts-expect-error keys that have not changed since would be missing
        start: '2026-01-01T00:00:00Z',
      }),
    'start is 2026-01-01T00:00:00Z; it must be beginning',
  ],
  [
    'versions that are cut by time',
    // @ts-expect-error a version is unique over all times
    () => defineStream('visits', { ...visit, identity: { latest: 'visit_id', by: 'at' } }),
    'partitionBy is "month"; it must be left out: a version is unique over all times',
  ],
  [
    'versions by a text',
    // @ts-expect-error a text is not higher than another
    () => defineStream('visits', { ...versions, identity: { latest: 'visit_id', by: 'page' } }),
    'identity.by is page, a field of kind text; it must be int or instant',
  ],
  [
    'versions by no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...versions, identity: { latest: 'visit_id', by: 'version' } }),
    'identity.by is "version"; it must be one of',
  ],
  [
    'versions of no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...versions, identity: { latest: 'visit', by: 'at' } }),
    'identity.latest is "visit"; it must be one of',
  ],
  [
    'a deletion by a text',
    () =>
      defineStream('visits', {
        ...versions,
        // @ts-expect-error a text is no flag
        identity: { latest: 'visit_id', by: 'at', deletedWhen: 'page' },
      }),
    'identity.deletedWhen is page, a field of kind text; it must be flag',
  ],
  [
    'further tables of versions',
    () =>
      defineStream('visits', {
        ...versions,
        identity: { latest: 'visit_id', by: 'at' },
        // @ts-expect-error they are written with facts
        write: { tables: {}, check: '', apply: () => Promise.resolve() },
      }),
    'write is for facts that happen once',
  ],
  [
    'an envelope that is none',
    // @ts-expect-error no such envelope
    () => defineStream('visits', { ...visit, envelope: 'debesium' }),
    'envelope is "debesium"; it must be json, debezium, cloudevents, registry',
  ],
  [
    'an envelope with an option that it has not',
    // @ts-expect-error no such option
    () => defineStream('visits', { ...visit, envelope: { debezium: { lsn: true } } }),
    'envelope.debezium.lsn is no option: version, placeholder',
  ],
  [
    'a registry whose values hold what is no envelope',
    // @ts-expect-error no such envelope
    () => defineStream('visits', { ...visit, envelope: { registry: { holds: 'cloudevents' } } }),
    'envelope.registry.holds is "cloudevents"; it must be row, debezium or',
  ],
  [
    'event types that are no list',
    // @ts-expect-error one text
    () => defineStream('visits', { ...visit, envelope: { cloudevents: { types: 'order' } } }),
    'envelope.cloudevents.types is "order"; it must be a list of event types',
  ],
  [
    'partitions by another time than a month',
    // @ts-expect-error no such partitions
    () => defineStream('visits', { ...visit, partitionBy: 'year' }),
    'partitionBy is "year"; it must be month or day',
  ],
  [
    'a time that facts are kept without an age',
    // @ts-expect-error maxAge is missing
    () => defineStream('visits', { ...visit, keep: '90 days' }),
    'keep needs maxAge: what is dropped must be too old to come again',
  ],
  [
    'a lineage that is none',
    // @ts-expect-error no such lineage
    () => defineStream('visits', { ...visit, lineage: 'none' }),
    'lineage is "none"; it must be batch or origin',
  ],
  [
    'days without an age',
    // @ts-expect-error maxAge is missing
    () => defineStream('visits', { ...visit, partitionBy: 'day' }),
    'maxAge must be at most 400 days where partitionBy is day',
  ],
  [
    'an age that is no number of days',
    // @ts-expect-error a month is no number of days
    () => defineStream('visits', { ...visit, maxAge: 'a month' }),
    'maxAge is "a month"; it must be such as 90 days',
  ],
  [
    'versions that are kept for a while',
    () =>
      defineStream('visits', {
        ...versions,
        identity: { latest: 'visit_id', by: 'at' },
        maxAge: '3 days',
        // @ts-expect-error of versions the newest stays
        keep: '90 days',
      }),
    'keep is for facts: of versions the newest stays',
  ],
  [
    'a compacted topic of what happens once',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error compaction takes facts away
        topic: { key: 'page', compact: true },
      }),
    'topic.compact is for versions whose key is the one field topic.key',
  ],
  [
    'a derived column that derive does not return',
    () =>
      defineStream('visits', {
        ...visit,
        derived: { is_long: flag() },
        // @ts-expect-error is_long is missing
        derive: () => ({ isLong: true }),
      }),
    '',
  ],
  [
    'derived without derive',
    // @ts-expect-error derive is missing
    () => defineStream('visits', { ...visit, derived: { is_long: flag() } }),
    'derived and derive make sense together only',
  ],
  [
    'a text in a sum',
    () =>
      defineStream('visits', {
        ...visit,
        rollups: {
          // @ts-expect-error a text is no number
          by_hour: { every: 'hour', by: ['page'], measures: { visits: count(), all: sum('page') } },
        },
      }),
    'rollups.by_hour.measures.all.field is page, a field of kind text; it must be money or int or percent',
  ],
  [
    'a condition that is no flag',
    () =>
      defineStream('visits', {
        ...visit,
        rollups: {
          // @ts-expect-error a text is no flag
          by_hour: { every: 'hour', by: [], measures: { visits: count(), some: count({ where: 'page' }) } },
        },
      }),
    'rollups.by_hour.measures.some.where is page, a field of kind text; it must be flag',
  ],
  [
    'a rollup by money',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error too many cells
        rollups: { by_hour: { every: 'hour', by: ['amount'], measures: { visits: count() } } },
      }),
    'rollups.by_hour.by is amount, a field of kind money; it must be text or oneOf or currencyCode',
  ],
  [
    'a rollup by the week',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error no such length
        rollups: { by_week: { every: 'week', by: [], measures: { visits: count() } } },
      }),
    'rollups.by_week.every must be minute, hour or day',
  ],
  [
    'an index on no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...visit, indexes: { page: { on: 'url' } } }),
    'indexes.page.on is "url"; it must be one of',
  ],
  [
    'a later rule about no field',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error no such field
        laterRules: [{ since: new Date(0), field: 'url', accepted: 'short', accepts: () => true }],
      }),
    'laterRules[0].field is "url"; it must be one of',
  ],
  [
    'a setting that no rules read',
    // @ts-expect-error rules is missing
    () => defineStream('visits', { ...visit, environment: { VISIT_LIMIT: z.string() } }),
    'environment is for rules, which are missing',
  ],
  [
    'an amount of a currency that is no field',
    // @ts-expect-error no such field
    () => defineStream('visits', { ...visit, fields: { ...fields, price: money({ of: 'currency' }) } }),
    'fields.price.of is "currency"; it must be one of visit_id, at, page, amount, note, price',
  ],
  [
    'an amount whose currency is a text',
    // @ts-expect-error a text is no currency
    () => defineStream('visits', { ...visit, fields: { ...fields, price: money({ of: 'page' }) } }),
    'fields.price.of is page, a field of kind text; it must be currencyCode',
  ],
  [
    'an amount whose currency may be missing',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error of no currency
        fields: { ...fields, currency: currencyCode().optional(), price: money({ of: 'currency' }) },
      }),
    "fields.price.of: currency can't be optional",
  ],
  [
    'a derived amount of a currency that is no field',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error no such field
        derived: { total: money({ of: 'currency' }) },
        derive: () => ({ total: { minor: 1, exponent: 2, currency: 'EUR' } }),
      }),
    'derived.total.of is "currency"; it must be one of',
  ],
  [
    'amounts of another field’s currency in the place of a derived one',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...priced, charged: currencyCode() },
        derived: { total: money({ of: 'charged' }) },
        // @ts-expect-error of currency, not of charged
        derive: ({ price }) => ({ total: price }),
      }),
    '',
  ],
  [
    'euros and yen in a sum of a rollup',
    () =>
      defineStream('visits', {
        ...visit,
        fields: priced,
        rollups: {
          by_hour: {
            every: 'hour',
            by: ['page'],
            // @ts-expect-error by has no currency
            measures: { visits: count(), all: sum('price') },
          },
        },
      }),
    'rollups.by_hour.measures.all sums price, which is of many currencies: by must have currency',
  ],
  [
    'euros and yen in a figure of a replay',
    // @ts-expect-error by is missing
    () => defineStream('visits', { ...visit, fields: priced, replayFigures: { all: sum('price') } }),
    'replayFigures.all sums price, which is of many currencies: by must have currency',
  ],
  [
    'a misspelt option of a word',
    // @ts-expect-error no such option
    () => defineStream('visits', { ...visit, fields: { ...fields, price: money({ digit: 14 }) } }),
    '',
  ],
  [
    'an identity that may have to be forgotten',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, page: text(50, { personal: true }) },
        // @ts-expect-error who is forgotten would come again
        identity: { once: ['visit_id', 'page'], scope: 'event_time' },
      }),
    "identity.once: page can't be personal",
  ],
  [
    'an event time that may have to be forgotten',
    // @ts-expect-error partitions go by it
    () => defineStream('visits', { ...visit, fields: { ...fields, at: instant({ personal: true }) } }),
    "eventTime at can't be personal",
  ],
  [
    'a rollup by what may have to be forgotten',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, page: text(50, { personal: true }) },
        // @ts-expect-error its cells would name people
        rollups: { by_hour: { every: 'hour', by: ['page'], measures: { visits: count() } } },
      }),
    "rollups.by_hour.by: page can't be personal",
  ],
  [
    'lines in lines',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error a line has no lines
        fields: { ...fields, lines: rows({ parts: rows({ n: int() }) }) },
      }),
    "fields.lines.parts can't have lines of its own",
  ],
  [
    'lines that are derived',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error lines are what messages say
        derived: { lines: rows({ n: int() }) },
        derive: () => ({ lines: [] }),
      }),
    "derived.lines can't have lines",
  ],
  [
    'lines as the key of messages',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, lines: rows({ n: int() }) },
        // @ts-expect-error lines are not one value
        topic: { key: 'lines' },
      }),
    'topic.key is lines, which has lines',
  ],
  [
    'a line’s amount whose currency is neither in the line nor in the record',
    () =>
      defineStream('visits', {
        ...visit,
        // @ts-expect-error no such field
        fields: { ...fields, lines: rows({ price: money({ of: 'currency' }) }) },
      }),
    'fields.lines.price.of is "currency"; it must be one of',
  ],
  [
    'a field of a line that is no word',
    // @ts-expect-error text is to be called
    () => defineStream('visits', { ...visit, fields: { ...fields, lines: rows({ sku: text }) } }),
    'fields.lines.sku is no word such as text(50)',
  ],
  [
    'a sum of lines',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, lines: rows({ n: int() }) },
        // @ts-expect-error lines are no number
        rollups: { by_hour: { every: 'hour', by: [], measures: { visits: count(), all: sum('lines') } } },
      }),
    'rollups.by_hour.measures.all.field is lines, a field of kind rows; it must be money or int or percent',
  ],
]

describe('a wrong declaration does not compile, and is refused when it is run', () => {
  test.for(WRONG.filter(([, , said]) => said !== ''))('%s', ([, declare, said]) => {
    expect(declare).toThrow(StreamError)
    expect(declare).toThrow(said)
  })
})

describe('what the compiler can not see is refused when it is run', () => {
  test.for<[string, () => Definition, string]>([
    ['a name with a dash', () => defineStream('site-visits', visit), 'its name must be 1 to 31 of'],
    ['a name that is too long', () => defineStream('v'.repeat(32), visit), 'its name must be 1 to 31 of'],
    [
      'a column that every fact has',
      () => defineStream('visits', { ...visit, fields: { ...fields, batch_id: text(5) } }),
      'the column batch_id of fields.batch_id is also the column of every fact',
    ],
    [
      'a column that SQL takes for something else',
      () => defineStream('visits', { ...visit, fields: { ...fields, order: text(5) } }),
      'the column order of fields.order is a word of SQL: give it another by { column: … }',
    ],
    [
      'two fields of one column',
      () => defineStream('visits', { ...visit, fields: { ...fields, url: text(5, { column: 'page' }) } }),
      'the column page of fields.url is also that of fields.page',
    ],
    [
      'a field in capitals',
      () => defineStream('visits', { ...visit, fields: { ...fields, Page: text(5) } }),
      'fields.Page must be named by 1 to 41 of a to z, 0 to 9 and _',
    ],
    [
      'versions whose deletions have none: a record without a value has its key alone',
      () =>
        defineStream('visits', {
          ...versions,
          fields: { ...fields, sku: text(9, { at: key() }) },
          identity: { latest: 'sku', by: 'at' },
        }),
      'identity.by: a record without a value deletes its key, and has no at: read that from a header',
    ],
    [
      'an order by the log where the key is not the identity',
      () => defineStream('visits', { ...versions, identity: { latest: 'visit_id', by: 'log' } }),
      "identity.by is log: identity.latest must be one field that is the record's key",
    ],
    [
      'days of more than 400',
      () => defineStream('visits', { ...visit, partitionBy: 'day', maxAge: '401 days' }),
      'maxAge must be at most 400 days where partitionBy is day',
    ],
    [
      'a compacted topic by another key',
      () =>
        defineStream('visits', {
          ...versions,
          identity: { latest: 'visit_id', by: 'at' },
          topic: { key: 'page', compact: true, retention: '7 days' },
        }),
      'topic.compact is for versions whose key is the one field topic.key',
    ],
    [
      'versions of debezium by a column, which a deletion has as it was before',
      () =>
        defineStream('visits', {
          ...versions,
          envelope: 'debezium',
          identity: { latest: 'visit_id', by: 'at' },
        }),
      "identity.by: a deletion of debezium has no at of its own: read it from the envelope, by { at: envelope('source.lsn') }",
    ],
    [
      'versions of which none is kept',
      () =>
        defineStream('visits', {
          ...versions,
          identity: { latest: 'visit_id', by: 'at', keepVersions: 0 },
        }),
      'identity.keepVersions is 0; it must be a whole number above 0',
    ],
    [
      'lines of versions that are pruned',
      () =>
        defineStream('visits', {
          ...versions,
          fields: { ...fields, lines: rows({ n: int() }) },
          identity: { latest: 'visit_id', by: 'at', keepVersions: 3 },
        }),
      'fields.lines has lines: keepVersions would leave them behind, so all versions are kept',
    ],
    [
      'a version that is part of the key',
      () =>
        defineStream('visits', {
          ...versions,
          fields: { ...fields, n: int() },
          identity: { latest: ['n', 'visit_id'], by: 'n' },
        }),
      'identity.by: n is a part of the key',
    ],
    [
      'a column that every version has',
      () =>
        defineStream('visits', {
          ...versions,
          fields: { ...fields, deleted_at: instant() },
          identity: { latest: 'visit_id', by: 'at' },
        }),
      'the column deleted_at of fields.deleted_at is also the column of every version',
    ],
    [
      'a start on a day that is none',
      () => defineStream('visits', { ...visit, start: '2026-02-30T00:00:00Z' }),
      'start is "2026-02-30T00:00:00Z"; it must be',
    ],
    [
      'a rollup that counts nothing',
      () =>
        defineStream('visits', {
          ...visit,
          rollups: { by_hour: { every: 'hour', by: [], measures: { amount: sum('amount') } } },
        }),
      'rollups.by_hour.measures must have a count() of all facts',
    ],
    [
      'a field that stands in an envelope where there is none',
      () => defineStream('visits', { ...visit, fields: { ...fields, op: text(1, { at: envelope('op') }) } }),
      'fields.op stands in an envelope, and there is none: the envelope is json',
    ],
  ])('%s', ([, declare, said]) => {
    expect(declare).toThrow(said)
  })

  test('all that is wrong is said at once, with the name of the stream', () => {
    expect(() =>
      defineStream('visits', {
        ...visit,
        title: '',
        eventTime: 'page' as 'at',
        partitionBy: 'year' as 'month',
      }),
    ).toThrow(/^Stream visits:\n {2}title must say .*\n {2}partitionBy is "year"/)
  })
})

test.for<[string, () => Definition, string]>([
  [
    'a line’s column that is the fact’s key',
    () => defineStream('visits', { ...visit, fields: { ...fields, lines: rows({ visit_id: text(5) }) } }),
    'fields.lines.visit_id: its column visit_id is taken',
  ],
  [
    'a line’s field in a header',
    () => defineStream('visits', { ...visit, fields: { ...fields, lines: rows({ n: int({ at: key() }) }) } }),
    'fields.lines.n stands in a line: its at must be a path',
  ],
  [
    'a table of lines with the name of a rollup',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, lines: rows({ n: int() }) },
        rollups: { visits_lines: { every: 'hour', by: [], measures: { visits: count() } } },
      }),
    'fields.lines: its table visits_lines has the name of another',
  ],
  [
    'a table of lines with too long a name',
    () => defineStream('v'.repeat(25), { ...visit, fields: { ...fields, lines_of_it: rows({ n: int() }) } }),
    'must be named by at most 31 letters',
  ],
  [
    'lines where there are none',
    () =>
      defineStream('visits', {
        ...visit,
        fields: { ...fields, lines: rows({ n: int() }).default([{ n: 1 }]) },
      }),
    'fields.lines.default must be [], as facts from before have no lines',
  ],
  [
    'no fields in a line',
    () => defineStream('visits', { ...visit, fields: { ...fields, lines: rows({}) } }),
    'fields.lines has 0 fields; it must be 1 to 49',
  ],
])('of lines is refused when it is run: %s', ([, declare, said]) => {
  expect(declare).toThrow(said)
})

test('amounts are summed by their currency, and a person’s name may be anything else', () => {
  const declared = defineStream('visits', {
    ...visit,
    fields: { ...priced, name: text(50, { personal: true }).optional() },
    derived: { total: money({ of: 'currency' }) },
    derive: ({ price }) => ({ total: plus(price, price) }),
    rollups: {
      by_hour: {
        every: 'hour',
        by: ['page', 'currency'],
        measures: { visits: count(), all: sum('price'), doubled: sum('total') },
      },
    },
    replayFigures: { all: { ...sum('total'), by: 'currency' } },
  })
  expect(declared.fields['name']!.options.personal).toBe(true)
})

test('a stream may start at its beginning, at the end or at a time; one of versions at its beginning', () => {
  for (const start of ['beginning', 'end', '2026-01-01T00:00:00.5Z'] as const)
    expect(defineStream('visits', { ...visit, start }).start).toBe(start)
  const latest = { latest: 'visit_id', by: 'at' } as const
  expect(defineStream('visits', { ...versions, identity: latest, start: 'beginning' }).start).toBe(
    'beginning',
  )
})

test('a stream may have identities of several fields, fields that may be missing, no rollup and nothing derived', () => {
  const declared = defineStream('visits', {
    ...visit,
    fields: {
      ...fields,
      kind: oneOf(['view', 'search']),
      seconds: int({ min: 0 }).default(0),
      tags: list(text(9)),
    },
    identity: { once: ['page', 'kind'], scope: 'event_time' },
  })
  expect(declared.name).toBe('visits')
})
