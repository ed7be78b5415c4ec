import { daysOf } from './age.ts'
import type { AnyLatest, Definition } from './definition.ts'
import { nameOf } from './envelopes/compile.ts'
import { columnName, Field, type Fields } from './field.ts'

/** What a declaration says of identity and age, and what is wrong with that, in sentences. */

/** Whether a field is the record's key, whatever its value. */
export function isTheKey(fields: Fields, field: string): boolean {
  const at = fields[field]?.options.at
  return typeof at === 'object' && 'key' in at
}

/** The fields of an identity, in the order in which they are declared; of what has versions the key; of single records none. */
export function identityFields({ once, latest }: Definition['identity']): readonly string[] {
  const names = once ?? latest ?? []
  return typeof names === 'string' ? [names] : names
}

const NAME = /^[a-z][a-z0-9_]{0,40}$/

/** Columns that every version has, in one table or view or another. */
export const versionColumns = (stream: Definition): string[] => [
  'source_partition',
  'incarnation',
  'source_offset',
  'log_incarnation',
  'log_offset',
  'deleted_at',
  'valid_from',
  'valid_to',
  'is_current',
  ...floorsOf(stream),
]

/** Columns that a current row has beside: see keepVersions. */
function floorsOf({ fields, identity }: Definition): string[] {
  const { by } = identity
  if (by === 'log') return ['floor_log_incarnation', 'floor_log_offset']
  return by !== undefined && fields[by] instanceof Field ? [`floor_${columnName(fields, by)}`] : []
}

/** Day partitions are made for each day that a record may be of. */
const MAX_AGE_OF_DAYS = 400

export function ageProblems({ partitionBy, maxAge, keep, lineage, topic, identity }: Definition): string[] {
  const problems: string[] = []
  if (![undefined, 'batch', 'origin'].includes(lineage))
    problems.push(`lineage is ${JSON.stringify(lineage)}; it must be batch or origin`)
  const daysIn = (part: string, text: string | undefined): number | undefined => {
    const days = typeof text === 'string' ? daysOf(text) : undefined
    if (text !== undefined && days === undefined)
      problems.push(`${part} is ${JSON.stringify(text)}; it must be such as 90 days`)
    return days
  }
  const age = daysIn('maxAge', maxAge)
  daysIn('keep', keep)
  if (keep !== undefined && maxAge === undefined)
    problems.push('keep needs maxAge: what is dropped must be too old to come again')
  if (keep !== undefined && identity?.latest !== undefined)
    problems.push('keep is for facts: of versions the newest stays')
  if (partitionBy === 'day' && !((age ?? Infinity) <= MAX_AGE_OF_DAYS))
    problems.push(`maxAge must be at most ${MAX_AGE_OF_DAYS} days where partitionBy is day`)
  if (topic?.retention !== 'forever') daysIn('topic.retention', topic?.retention)
  if (topic?.partitions !== undefined && !(Number.isInteger(topic.partitions) && topic.partitions > 0))
    problems.push(
      `topic.partitions is ${JSON.stringify(topic.partitions)}; it must be a whole number above 0`,
    )
  if (topic?.compact === true) {
    if (identity?.latest === undefined || identityFields(identity).join() !== topic.key)
      problems.push('topic.compact is for versions whose key is the one field topic.key')
    if (topic.retention !== undefined)
      problems.push('topic.compact keeps records for ever: leave retention out')
  }
  return problems
}

export type Refers = (part: string, to: unknown, among: Fields, kinds?: readonly string[]) => void

export function identityProblems(stream: Definition, refers: Refers): string[] {
  const { fields, identity } = stream
  const problems: string[] = []
  if (identity.each !== undefined)
    return (identity.each as unknown) === 'record'
      ? []
      : [`identity.each is ${JSON.stringify(identity.each)}; it must be record`]
  const part = identity.latest === undefined ? 'once' : 'latest'
  if (!(part in identity))
    return [
      `identity must say which field happens once, such as { once: 'order_id', … }, or has versions, such as { latest: 'product_id', by: 'version' }, or that each record counts: { each: 'record' }`,
    ]
  const names = identityFields(identity)
  if (names.length === 0) problems.push(`identity.${part} must name a field`)
  for (const name of names) {
    refers(`identity.${part}`, name, fields, ['uuid', 'text', 'oneOf', 'int'])
    if (fields[name]?.isOptional === true) problems.push(`identity.${part}: ${name} can't be optional`)
    if (fields[name]?.options.personal === true)
      problems.push(`identity.${part}: ${name} can't be personal, or who is forgotten would come again`)
  }
  if (new Set(names).size < names.length) problems.push(`identity.${part} names a field twice`)
  if (identity.latest !== undefined) return [...problems, ...versionProblems(stream, identity, refers)]
  const { scope } = identity as { scope: unknown }
  if (scope !== 'warehouse' && scope !== 'event_time')
    problems.push(`identity.scope is ${JSON.stringify(scope)}; it must be warehouse or event_time`)
  if (identity.scope === 'warehouse' && !(identity.keys && NAME.test(identity.keys)))
    problems.push('identity.keys must name the table of keys, by 1 to 41 of a to z, 0 to 9 and _')
  return problems
}

function versionProblems(
  stream: Definition,
  { by, deletedWhen, keepVersions }: AnyLatest,
  refers: Refers,
): string[] {
  const { fields } = stream
  const problems: string[] = []
  const names = identityFields(stream.identity)
  if (by === 'log') {
    const others = names.filter((name) => !isTheKey(fields, name))
    if (others.length > 0 || names.length > 1)
      problems.push(
        `identity.by is log: identity.latest must be one field that is the record's key, by { at: key() }`,
      )
  } else refers('identity.by', by, fields, ['int', 'instant'])
  if (fields[by]?.isOptional === true) problems.push(`identity.by: ${by} can't be optional`)
  if (names.includes(by)) problems.push(`identity.by: ${by} is a part of the key`)
  if (names.includes(stream.eventTime)) problems.push(`eventTime ${stream.eventTime} is a part of the key`)
  if (typeof deletedWhen === 'string') refers('identity.deletedWhen', deletedWhen, fields, ['flag'])
  else if (deletedWhen !== undefined && typeof deletedWhen !== 'function')
    problems.push('identity.deletedWhen must be a flag or a function')
  if (keepVersions !== undefined && !(Number.isInteger(keepVersions) && keepVersions > 0))
    problems.push(
      `identity.keepVersions is ${JSON.stringify(keepVersions)}; it must be a whole number above 0`,
    )
  // What a deletion says of its row is how it was before: its version column is that of a row that is there.
  if (stream.envelope !== undefined && by !== 'log' && nameOf(stream.envelope) === 'debezium') {
    const at = fields[by]?.options.at
    if (typeof at !== 'object' || !('envelope' in at))
      problems.push(
        `identity.by: a deletion of debezium has no ${by} of its own: read it from the envelope, by { at: envelope('source.lsn') }, or let the log order: by: 'log'`,
      )
  }
  // Then a record without a value deletes, and all that it has is its key and its headers.
  if (
    by !== 'log' &&
    names.every((name) => isTheKey(fields, name)) &&
    typeof fields[by]?.options.at !== 'object'
  )
    problems.push(
      `identity.by: a record without a value deletes its key, and has no ${by}: read that from a header, or let the log order: by: 'log'`,
    )
  return problems
}
