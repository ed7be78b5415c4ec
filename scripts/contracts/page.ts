import type { AnyLatest, Definition } from '../../etl/stream/definition.ts'
import { identityFields, isTheKey } from '../../etl/stream/define.ts'
import type { Fields } from '../../etl/stream/field.ts'
import { countedTable, isLatest } from '../../etl/stream/stored.ts'
import { contractOf, type DescribedColumn, type DescribedField } from './describe.ts'

/** The page of a stream in docs/streams/, of its declaration alone. */
export function pageOf(stream: Definition): string {
  const { name, title, eventTime, topic } = stream
  const { fields, derived, laterRules, rollups } = contractOf(stream)['x-stream']
  const sections = [
    `<!-- Written by npm run generate-contracts from streams/. -->\n\n# ${name}`,
    `${rowsSentence(stream, fields[eventTime]!.column)}\nMessages have \`${topic.key}\` as their key; [contracts/${name}.json](../../contracts/${name}.json) is their JSON Schema.`,
    `## Identity\n\n${identitySentence(stream)}`,
    `## Fields\n\n${fieldTable(stream.fields, fields)}\n\n${timeSentence(stream)}`,
  ]
  for (const [field, { lines }] of Object.entries(fields))
    if (lines !== undefined)
      sections.push(
        `## Lines of \`${field}\`\n\nOf each ${title} they are in \`warehouse.${lines.table}\`, by its key and \`line_no\` from 1 on${ofLines(stream, lines.table)}. They are never changed; two records are the same if they have equal lines in the same order. One bad line makes the record a dead letter.\n\n${fieldTable(stream.fields[field]!.kind.lines!.fields, lines.fields)}`,
      )
  if (Object.keys(derived).length > 0)
    sections.push(
      `## Derived\n\nComputed of each record when it is loaded, and again by a replay.\n\n${derivedTable(derived)}`,
    )
  if (laterRules.length > 0)
    sections.push(
      `## Later rules\n\nThey count for records that Kafka stored from then on.\n\n${table(
        ['Since', 'Field', 'Must be'],
        laterRules.map(({ since, field, accepted }) => [since, code(field), accepted]),
      )}`,
    )
  for (const [rollup, { every, by, measures }] of Object.entries(rollups))
    sections.push(
      `## ${rollup}\n\nSums${isLatest(stream) ? ` of the newest versions` : ''} in \`warehouse.${rollup}\`, kept in the transaction that loads: a row for each ${every === 'day' ? 'day in UTC' : every}${by
        .map((field) => `, ${code(field)}`)
        .join('')} and source partition.\n\n${table(
        ['Column', 'Is'],
        Object.entries(measures).map(([measure, is]) => [code(measure), code(is)]),
      )}`,
    )
  const rules = Object.entries(stream.invariants ?? {})
  if (rules.length > 0)
    sections.push(
      `## What \`pulse reconcile\` checks besides\n\n${rules.map(([check, { rule }]) => `- ${check}: ${rule}.`).join('\n')}`,
    )
  return `${sections.join('\n\n')}\n`
}

const ofLines = (stream: Definition, ofField: string): string =>
  isLatest(stream)
    ? `; those of the newest version are in \`warehouse.${ofField}_live\``
    : `, in ${stream.partitionBy}s as the facts are`

function rowsSentence(stream: Definition, eventTime: string): string {
  const { name, title, partitionBy, keep } = stream
  if (isLatest(stream))
    return `One record is a version of a ${title}. Every version is in \`warehouse.${countedTable(stream)}\`, the newest of each ${title} in \`warehouse.${name}\`; people read \`warehouse.${name}_live\`, which has those that are not deleted, and \`warehouse.${name}_versions\`, which says from when until when each version counted.`
  const kept = keep === undefined ? '' : ` They are kept ${keep}.`
  return `One fact is a ${title}. Facts are in \`warehouse.${name}\`, partitioned by ${partitionBy} of ${code(eventTime)}.${kept}`
}

/** Which times are taken; of what deletes it isn't looked at. */
function timeSentence({ eventTime, maxAge }: Definition): string {
  const days = maxAge ?? '`TRANSACTION_MAX_AGE_DAYS` (1095)'
  return `${code(eventTime)} may lie up to 24 hours after Kafka's own time of the record and up to ${days}${maxAge === undefined ? ' days' : ''} before it, else the record is a dead letter \`timestamp_out_of_range\`.`
}

function identitySentence(stream: Definition): string {
  const { identity, eventTime, title } = stream
  if (identity.each !== undefined)
    return `Each record is a ${title} of its own, by its place in the log: what is sent twice is there twice.`
  const names = identityFields(identity).map(code).join(' and ')
  const one = identity.title ?? title
  const again = `The same values again are a duplicate; other values are a dead letter \`conflicting_duplicate\`.`
  if (isLatest(stream)) return versionsSentence(stream, names)
  return identity.scope === 'warehouse'
    ? `Each ${one} happens once: ${names} is unique in the whole warehouse, by the table of keys \`warehouse.${identity.keys}\`. ${again}`
    : `Each ${one} happens once: ${names} is unique together with ${code(eventTime)}, by the primary key of the facts. ${again}\nWith another ${code(eventTime)} it is another ${one}.`
}

function versionsSentence(
  { fields, identity, title }: Definition & { readonly identity: AnyLatest },
  names: string,
): string {
  const { by, deletedWhen, keepVersions } = identity
  const sentences = [
    by === 'log'
      ? `Of a ${title}, told by ${names}, the record that is later in the log counts. Its key must stay in its partition: from another one it is a dead letter \`key_moved\`.`
      : `Of a ${title}, told by ${names}, the highest ${code(by)} counts; a lower one is history. The same ${code(by)} with the same values is a duplicate; with other values it is a dead letter \`conflicting_duplicate\`.`,
    ...(typeof deletedWhen === 'string'
      ? [
          `Where ${code(deletedWhen)} is true the ${title} is deleted: of such a record nothing but key and version is looked at, and its time is Kafka's own.`,
        ]
      : []),
    ...(typeof deletedWhen === 'function'
      ? [`Some records delete: \`deletedWhen\` of the declaration.`]
      : []),
    ...(identityFields(identity).every((field) => isTheKey(fields, field))
      ? [`A record without a value deletes.`]
      : []),
    ...(keepVersions === undefined ? [] : [`Of older versions the newest ${keepVersions} are kept.`]),
  ]
  return sentences.join('\n')
}

const fieldTable = (words: Fields, fields: Readonly<Record<string, DescribedField>>): string =>
  table(
    ['Field', 'Takes', 'Where it is missing', 'Column', 'In code'],
    Object.entries(fields).map(([field, { at, presence, personal, ...column }]) => [
      `${code(at === field ? field : at)}${at === field ? '' : ` as ${code(field)}`}${personal ? ' (personal)' : ''}`,
      words[field]!.kind.schema.description,
      typeof presence === 'object'
        ? code(JSON.stringify(presence.default))
        : presence === 'optional'
          ? 'null'
          : 'a dead letter',
      inColumn(column),
      column.inCode,
    ]),
  )

const derivedTable = (derived: Readonly<Record<string, DescribedColumn>>): string =>
  table(
    ['Field', 'Column', 'In code'],
    Object.entries(derived).map(([field, column]) => [code(field), inColumn(column), column.inCode]),
  )

const inColumn = ({ column, type }: Pick<DescribedColumn, 'column' | 'type'>): string =>
  `${code(column)} ${type}`

const code = (text: string): string => `\`${text}\``

const line = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
