import { count } from '../../etl/text/wording.ts'
import { quoted } from './guess-word.ts'
import type { GuessedField } from './choose.ts'
import type { Guess } from './guess.ts'

/** As the formatter has it. */
const WIDTH = 110

/**
 * A guess as a declaration, formatted as this project's sources are.
 *
 * @param constant its name there.
 * @param about where the sample is from, for people.
 */
export function renderStream(guess: Guess, constant: string, about: string): string {
  const { name, title, fields, key, eventTime, identity, leftOut } = guess
  const all = fields.flatMap((field) => [field, ...(field.lines ?? [])])
  const words = new Set(['defineStream', ...all.map((field) => field.name)])
  if (all.some((field) => field.name === 'list')) words.add('text')
  if (fields.some(({ at }) => at === 'key()')) words.add('key')
  const sorted = [...words].sort()
  const once = identity.is.length === 1 ? quoted(identity.is[0]!) : `[${identity.is.map(quoted).join(', ')}]`
  return [
    ...importOf(sorted),
    '',
    ...comment(
      `A first declaration, guessed by new-stream from ${about}. Look at each line that says "guess" before the first migration: to change one later takes another. What else a stream may have: docs/STREAMS.md.`,
    ),
    `export const ${constant} = defineStream(${quoted(name)}, {`,
    `  title: ${quoted(title)}, // guess: one fact, in a message for people`,
    ...(key.guess === undefined ? [] : comment(`guess: ${key.guess}`, '  ')),
    `  topic: { key: ${quoted(key.is)} },`,
    '  fields: {',
    ...fields.flatMap((field) => renderField(field)),
    ...leftOut.flatMap((one) => comment(`left out: ${one}`, '    ')),
    '  },',
    ...(eventTime.guess === undefined ? [] : comment(`guess: ${eventTime.guess}`, '  ')),
    `  eventTime: ${quoted(eventTime.is)},`,
    `  partitionBy: 'month',`,
    ...comment(
      `${identity.guess === undefined ? '' : `guess: ${identity.guess}. `}The same at another time is another ${title}; with { once: ${once}, scope: 'warehouse', keys: '${keysOf(title)}' } it is unique for ever, by a table of keys.`,
      '  ',
    ),
    `  identity: { once: ${once}, scope: 'event_time' },`,
    '})',
    '',
  ].join('\n')
}

const keysOf = (title: string): string => `${title.replaceAll(' ', '_')}_keys`

function importOf(words: readonly string[]): string[] {
  const line = `import { ${words.join(', ')} } from 'global-sales-pulse/streams'`
  if (line.length <= WIDTH) return [line]
  return ['import {', ...words.map((one) => `  ${one},`), `} from 'global-sales-pulse/streams'`]
}

function renderField(
  { field, name, first, own, at, column, isOptional, missing, guess, lines }: GuessedField,
  indent = '    ',
): string[] {
  const options = [
    ...Object.entries(own).map(([option, value]) => `${option}: ${value}`),
    ...(at === undefined ? [] : [`at: ${at === 'key()' ? at : quoted(at)}`]),
    ...(column === undefined ? [] : [`column: ${quoted(column)}`]),
  ]
  const after = isOptional ? '.optional()' : ''
  const inRecords = count(missing, indent === '    ' ? 'record' : 'line')
  const why = [guess, isOptional ? `missing in ${inRecords}` : undefined].filter(Boolean)
  const remark = why.length === 0 ? '' : ` // guess: ${why.join('; ')}`
  if (lines !== undefined) {
    const inner = lines.flatMap((line) => renderField(line, `${indent}  `))
    const last = options.length === 0 ? '}' : `}, { ${options.join(', ')} }`
    const mark = remark === '' ? [] : [`${indent} ${remark}`]
    return [`${indent}${field}: rows({`, ...mark, ...inner, `${indent}${last})${after},`]
  }
  const call = (all: readonly string[]) => `${indent}${field}: ${name}(${all.join(', ')})${after},`
  const line = call(options.length === 0 ? first : [...first, `{ ${options.join(', ')} }`])
  if (line.length <= WIDTH) return [line + remark]
  return [
    `${indent}${field}: ${name}(${[...first, '{'].join(', ')}`,
    ...(remark === '' ? [] : [`${indent} ${remark}`]),
    ...options.map((option) => `${indent}  ${option},`),
    `${indent}})${after},`,
  ]
}

/** A sentence as comment lines. */
function comment(text: string, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && `${indent}// ${line} ${word}`.length > WIDTH) {
      lines.push(`${indent}// ${line}`)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, `${indent}// ${line}`]
}
