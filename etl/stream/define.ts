import type {
  CurrenciesThere,
  Definition,
  ForIdentity,
  Identity,
  NoLines,
  ReplayFigures,
  Rollups,
  Settings,
  StreamSpec,
  SumsByCurrency,
} from './definition.ts'
import { linesProblems } from './lines-declared.ts'
import { envelopeProblems } from './envelopes/declared.ts'
import { columnName, type Fields, Field } from './field.ts'
import { ageProblems, identityProblems, versionColumns } from './identity-declared.ts'
import { startProblems } from './start.ts'

export { identityFields, isTheKey } from './identity-declared.ts'

/** A declaration that can't be: names the stream, the part of it, its problem and what is accepted. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
}

/** Of a stream that derives nothing, or whose rules depend on no setting. */
// oxlint-disable-next-line typescript/no-empty-object-type -- its names are what is checked, and there are none
type Nothing = {}

/** What has to be there because something else is. */
type Required<D, Environment> = (keyof D extends never ? unknown : { readonly derive: unknown }) &
  (keyof Environment extends never ? unknown : { readonly rules: unknown })

/** Postgres cuts names after 63 bytes; the longest that is made of a stream's has 32 more. */
const STREAM_NAME = /^[a-z][a-z0-9_]{0,30}$/
const NAME = /^[a-z][a-z0-9_]{0,40}$/
const RIGHTS: readonly string[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
/** A replay's samples and a part of the log have these beside fields. */
export const TAKEN: readonly string[] = ['offset', 'before', 'after']
/** Columns that every fact has, and those that tell its batch. */
export const OWN_COLUMNS: readonly string[] = ['source_partition', 'incarnation', 'source_offset']
export const NAMING_BATCH: readonly string[] = ['id', 'processed_at', 'batch_id']
/** What Postgres takes for no column's name unless it is quoted, which statements here do without. */
export const RESERVED_WORDS: readonly string[] =
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
  column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
  from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
  localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
  returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
  unique user using variadic verbose when where window with`.split(/\s+/)

/**
 * Declares a record type: what a message is, what is derived of it, what is summed. The engine makes the rest of
 * it: table, validation, load, duplicates, rollup, replay, the proof.
 *
 * The compiler refuses a declaration that can't be, and so does this function, as Node strips the types.
 *
 * @param name of the stream and its table of facts: 1 to 31 of a to z, 0 to 9 and _, beginning with a letter.
 * @throws StreamError that lists everything that is wrong.
 * @example
 * export const visits = defineStream('visits', {
 *   title: 'visit',
 *   topic: { key: 'page' },
 *   fields: { visit_id: uuid(), at: instant(), page: text(200) },
 *   eventTime: 'at', partitionBy: 'month',
 *   identity: { once: 'visit_id', scope: 'event_time' },
 * })
 */
export function defineStream<
  const F extends Fields,
  const D extends Fields = Nothing,
  Rules = undefined,
  Environment extends Settings = Nothing,
  const R extends Rollups<F, D> = Nothing,
  const Figures extends ReplayFigures<F, D> = Nothing,
  const I extends Identity<F> = Identity<F>,
>(
  name: string,
  spec: StreamSpec<F, D, Rules, Environment, R, Figures, I> &
    NoInfer<
      Required<D, Environment> &
        SumsByCurrency<F & D, R, Figures> & {
          readonly fields: CurrenciesThere<F, F>
          readonly derived?: CurrenciesThere<D, F> & NoLines<D>
        } & ForIdentity<I>
    >,
): Definition {
  const definition = { ...(spec as unknown as Definition), name }
  const problems = problemsOf(definition)
  if (problems.length > 0)
    throw new StreamError(`Stream ${name}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  return definition
}

function problemsOf(stream: Definition): string[] {
  const { fields, derived = {} } = stream
  const problems: string[] = []
  const must = (holds: boolean, problem: string) => void (holds || problems.push(problem))
  /** Whether it is a field of these, of one of these kinds. */
  const refers = (part: string, to: unknown, among: Fields, kinds?: readonly string[]) => {
    const field = typeof to === 'string' && Object.hasOwn(among, to) ? among[to] : undefined
    if (field === undefined)
      problems.push(`${part} is ${JSON.stringify(to)}; it must be one of ${Object.keys(among).join(', ')}`)
    else if (kinds !== undefined && !kinds.includes(field.kind.name))
      problems.push(
        `${part} is ${to as string}, a field of kind ${field.kind.name}; it must be ${kinds.filter((kind) => kind !== 'moneyOf').join(' or ')}`,
      )
  }

  must(
    STREAM_NAME.test(stream.name),
    `its name must be 1 to 31 of a to z, 0 to 9 and _, beginning with a letter`,
  )
  must(
    typeof stream.title === 'string' && stream.title !== '',
    'title must say what one fact is, such as transaction',
  )
  const hasVersions = stream.identity?.latest !== undefined
  must(
    hasVersions
      ? stream.partitionBy === undefined
      : stream.partitionBy === 'month' || stream.partitionBy === 'day',
    `partitionBy is ${JSON.stringify(stream.partitionBy)}; it must be ${hasVersions ? 'left out: a version is unique over all times' : 'month or day'}`,
  )
  problems.push(...ageProblems(stream), ...startProblems(stream))
  must(!hasVersions || stream.write === undefined, 'write is for facts that happen once')
  const all: Fields = { ...fields, ...derived }
  const columns = new Map<string, string>(
    hasVersions
      ? versionColumns(stream).map((column) => [column, 'the column of every version'])
      : [...OWN_COLUMNS, ...(stream.lineage === 'origin' ? [] : NAMING_BATCH)].map((column) => [
          column,
          'the column of every fact',
        ]),
  )
  for (const [part, group] of [
    ['fields', fields],
    ['derived', derived],
  ] as const)
    for (const [field, word] of Object.entries(group)) {
      must(NAME.test(field), `${part}.${field} must be named by 1 to 41 of a to z, 0 to 9 and _`)
      must(!TAKEN.includes(field), `${part}.${field} must have another name than ${TAKEN.join(', ')}`)
      if (!(word instanceof Field)) {
        problems.push(`${part}.${field} is no word such as text(50)`)
        continue
      }
      if (part === 'derived')
        must(word.options.at === undefined, `derived.${field} is computed: it has no at`)
      const column = columnName(group, field)
      must(
        NAME.test(column),
        `the column of ${part}.${field} must be named by 1 to 41 of a to z, 0 to 9 and _`,
      )
      must(
        !RESERVED_WORDS.includes(column),
        `the column ${column} of ${part}.${field} is a word of SQL: give it another by { column: … }`,
      )
      const other = columns.get(column)
      must(
        other === undefined,
        `the column ${column} of ${part}.${field} is also ${other}: give it another by { column: … }`,
      )
      columns.set(column, `that of ${part}.${field}`)
    }
  if (problems.length > 0) return problems // what follows looks into words
  for (const field of Object.keys(derived)) must(!(field in fields), `derived.${field} is also a field`)

  refers('topic.key', stream.topic?.key, fields)
  must(
    fields[stream.topic?.key]?.kind.lines === undefined,
    `topic.key is ${stream.topic?.key}, which has lines; it must be one value`,
  )
  problems.push(...linesProblems(stream, refers))
  refers('eventTime', stream.eventTime, fields, ['instant'])
  must(
    fields[stream.eventTime]?.options.personal !== true,
    `eventTime ${stream.eventTime} can't be personal: partitions and rollups go by it for ever`,
  )
  for (const [part, group] of [
    ['fields', fields],
    ['derived', derived],
  ] as const)
    for (const [field, { kind }] of Object.entries(group)) {
      if (kind.of === undefined) continue
      refers(`${part}.${field}.of`, kind.of, fields, ['currencyCode'])
      must(
        fields[kind.of]?.isOptional !== true,
        `${part}.${field}.of: ${kind.of} can't be optional, or an amount would be of no currency`,
      )
    }
  must(fields[stream.eventTime]?.isOptional !== true, `eventTime ${stream.eventTime} can't be optional`)
  problems.push(...identityProblems(stream, refers))
  problems.push(...envelopeProblems(stream))
  must(
    (stream.derive === undefined) === (stream.derived === undefined),
    'derived and derive make sense together only',
  )
  must(
    stream.environment === undefined || stream.rules !== undefined,
    'environment is for rules, which are missing',
  )
  for (const [index, { on, where }] of Object.entries(stream.indexes ?? {})) {
    refers(`indexes.${index}.on`, on, all)
    if (where !== undefined) refers(`indexes.${index}.where`, where, derived, ['flag'])
  }
  for (const [i, { field }] of (stream.laterRules ?? []).entries())
    refers(`laterRules[${i}].field`, field, fields)
  const measured = (
    part: string,
    measure: { measure: string; field?: string; where?: string },
    by: readonly string[],
  ) => {
    if (measure.measure === 'sum') {
      refers(`${part}.field`, measure.field, all, ['money', 'moneyOf', 'int', 'percent'])
      const of = measure.field === undefined ? undefined : all[measure.field]?.kind.of
      must(
        of === undefined || by.includes(of),
        `${part} sums ${measure.field!}, which is of many currencies: by must have ${of!}`,
      )
    } else must(measure.measure === 'count', `${part} must be count() or sum(field)`)
    if (measure.where !== undefined) refers(`${part}.where`, measure.where, all, ['flag'])
  }
  for (const [rollup, { every, by, measures }] of Object.entries(stream.rollups ?? {})) {
    const part = `rollups.${rollup}`
    must(NAME.test(rollup), `${part} must be named by 1 to 41 of a to z, 0 to 9 and _`)
    must(['minute', 'hour', 'day'].includes(every), `${part}.every must be minute, hour or day`)
    for (const field of by) {
      refers(`${part}.by`, field, fields, ['text', 'oneOf', 'currencyCode'])
      must(
        fields[field]?.options.personal !== true,
        `${part}.by: ${field} can't be personal, or sums would name people`,
      )
    }
    for (const [name, measure] of Object.entries(measures)) measured(`${part}.measures.${name}`, measure, by)
    must(
      Object.values(measures).some((one) => one.measure === 'count' && one.where === undefined),
      `${part}.measures must have a count() of all facts`,
    )
  }
  for (const [table, rights] of Object.entries(stream.write?.tables ?? {})) {
    must(NAME.test(table), `write.tables.${table} must be named by 1 to 41 of a to z, 0 to 9 and _`)
    for (const right of rights)
      must(
        RIGHTS.includes(right),
        `write.tables.${table} has ${right}; it must be one of ${RIGHTS.join(', ')}`,
      )
  }
  for (const [check, { shows }] of Object.entries(stream.invariants ?? {}))
    for (const field of shows) refers(`invariants.${check}.shows`, field, all)
  for (const [figure, { by, ...measure }] of Object.entries(stream.replayFigures ?? {})) {
    measured(`replayFigures.${figure}`, measure, by === undefined ? [] : [by])
    if (by !== undefined) refers(`replayFigures.${figure}.by`, by, fields)
  }
  return problems
}
