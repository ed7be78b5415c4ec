import type { Definition } from '../../etl/stream/definition.ts'
import { identityFields } from '../../etl/stream/define.ts'
import type { Fields } from '../../etl/stream/field.ts'
import { contractOf, type DescribedColumn, type DescribedField } from './describe.ts'

/** The page of a stream in docs/streams/, of its declaration alone. */
export function pageOf(stream: Definition): string {
  const { name, title, eventTime, partitionBy, topic } = stream
  const { fields, derived, laterRules, rollups } = contractOf(stream)['x-stream']
  const sections = [
    `<!-- Written by npm run generate-contracts from streams/. -->\n\n# ${name}`,
    `One fact is a ${title}. Facts are in \`warehouse.${name}\`, partitioned by ${partitionBy} of \`${fields[eventTime]!.column}\`.\nMessages have \`${topic.key}\` as their key; [contracts/${name}.json](../../contracts/${name}.json) is their JSON Schema.`,
    `## Identity\n\n${identitySentence(stream)}`,
    `## Fields\n\n${fieldTable(stream.fields, fields)}`,
  ]
  for (const [field, { lines }] of Object.entries(fields))
    if (lines !== undefined)
      sections.push(
        `## Lines of \`${field}\`\n\nOf each ${title} they are in \`warehouse.${lines.table}\`, by its key and \`line_no\` from 1 on, in months as the facts are. They are never changed; two records are the same if they have equal lines in the same order. One bad line makes the record a dead letter.\n\n${fieldTable(stream.fields[field]!.kind.lines!.fields, lines.fields)}`,
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
      `## ${rollup}\n\nSums in \`warehouse.${rollup}\`, kept in the transaction that loads: a row for each ${every}${by
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

function identitySentence(stream: Definition): string {
  const { identity, eventTime, title } = stream
  const names = identityFields(identity).map(code).join(' and ')
  const one = identity.title ?? title
  const again = `The same values again are a duplicate; other values are a dead letter \`conflicting_duplicate\`.`
  return identity.scope === 'warehouse'
    ? `Each ${one} happens once: ${names} is unique in the whole warehouse, by the table of keys \`warehouse.${identity.keys}\`. ${again}`
    : `Each ${one} happens once: ${names} is unique together with ${code(eventTime)}, by the primary key of the facts. ${again}\nWith another ${code(eventTime)} it is another ${one}.`
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
