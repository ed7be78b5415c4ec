import { schemaAt, schemaIn, type Contract, type DescribedField } from './describe.ts'

/**
 * What a change does to those who write records, and to records that are there.
 *
 * - `breaks`: what is loaded, or how it is found again, means something else.
 * - `narrows`: a record that was taken would be refused.
 * - `widens`: a record that was refused would be taken.
 * - `changes`: neither; the contract's text is another.
 */
export type Effect = 'breaks' | 'narrows' | 'widens' | 'changes'

export interface Change {
  readonly effect: Effect
  /** A sentence that begins with what it is about: `amount takes at most 50 characters, no longer 60`. */
  readonly sentence: string
}

const WHAT_TO_DO: Readonly<Record<Effect, string>> = {
  breaks:
    'facts that are there and records that Kafka holds say otherwise: declare a new field, or a new stream',
  narrows:
    'records that were loaded may break it: leave the word as it was, and say the rest as a later rule with a `since`',
  widens: 'migrate and replace all workers before producers use it',
  changes: '',
}

/** A change as a line for people. */
export const inWords = ({ effect, sentence }: Change): string =>
  `${effect}: ${sentence}${WHAT_TO_DO[effect] === '' ? '' : `\n    ${WHAT_TO_DO[effect]}`}`

/** Whether a change is to be thought about before it is written down. */
export const isDangerous = ({ effect }: Change): boolean => effect === 'breaks' || effect === 'narrows'

/** What another contract of the same stream does. */
export function changesBetween(before: Contract, after: Contract): Change[] {
  const [was, is] = [before['x-stream'], after['x-stream']]
  const changes: Change[] = []
  const say = (effect: Effect, sentence: string) => void changes.push({ effect, sentence })
  for (const part of ['eventTime', 'partitionBy', 'identity', 'key'] as const) {
    if (same(was[part], is[part])) continue
    const effect = part === 'key' ? 'changes' : 'breaks'
    say(effect, `${part} is ${shown(is[part])}, no longer ${shown(was[part])}`)
  }
  changes.push(
    ...fieldsChanges(was.fields, is.fields, '', (field) => [schemaIn(before, field), schemaIn(after, field)]),
  )
  for (const [field, now] of Object.entries(is.derived)) {
    const then = was.derived[field]
    if (then === undefined)
      say('changes', `${field} is derived: null in facts from before, until they are replayed`)
    else if (!same(then, now))
      say(
        'breaks',
        `${field}, which is derived, is ${now.type} in ${now.column}, no longer ${then.type} in ${then.column}`,
      )
  }
  for (const field of Object.keys(was.derived))
    if (!(field in is.derived)) say('breaks', `${field} is no longer derived`)
  for (const rule of was.laterRules)
    if (!is.laterRules.some((one) => same(one, rule)))
      say(
        'breaks',
        `the later rule of ${rule.since} for ${rule.field} is gone: records that broke it would be decided otherwise`,
      )
  for (const { since, field, accepted } of is.laterRules)
    if (!was.laterRules.some((one) => same(one, { since, field, accepted })))
      say('changes', `from ${since} on ${field} must be ${accepted}`)
  if (!same(was.rollups, is.rollups))
    say(
      'changes',
      'rollups are others: one that gets another key or sum needs a warehouse that is filled anew',
    )
  if (changes.length === 0 && !same(before, after)) say('changes', 'titles, units or descriptions')
  return changes
}

type Described = Readonly<Record<string, DescribedField>>

/** @param prefix of a line's fields: `lines[].`. */
function fieldsChanges(
  was: Described,
  is: Described,
  prefix: string,
  schemas: (field: string) => readonly [Schema, Schema],
): Change[] {
  const changes: Change[] = []
  const say = (effect: Effect, sentence: string) => void changes.push({ effect, sentence: prefix + sentence })
  for (const [field, now] of Object.entries(is)) {
    const then = was[field]
    if (then === undefined) {
      if (now.presence === 'required')
        say(
          'narrows',
          `${field} is new and must be there: records from before don't have it; give it .optional() or .default(…)`,
        )
      else say('widens', `${field} is new`)
      continue
    }
    changes.push(...fieldChanges(prefix + field, then, now))
    if (then.word !== now.word) continue
    const [before, after] = schemas(field)
    for (const [effect, sentence] of schemaChanges(before, after)) say(effect, `${field} ${sentence}`)
    if (then.lines === undefined || now.lines === undefined) continue
    const [lines, itsLines] = [then.lines.fields, now.lines.fields]
    changes.push(
      ...fieldsChanges(lines, itsLines, `${prefix}${field}[].`, (line) => [
        schemaAt(before['items'] as Schema, lines[line]!.at),
        schemaAt(after['items'] as Schema, itsLines[line]!.at),
      ]),
    )
  }
  for (const field of Object.keys(was))
    if (!(field in is)) say('breaks', `${field} is no longer read, and its column no longer filled`)
  return changes
}

function fieldChanges(field: string, then: DescribedField, now: DescribedField): Change[] {
  const changes: Change[] = []
  const say = (effect: Effect, sentence: string) =>
    void changes.push({ effect, sentence: `${field} ${sentence}` })
  if (then.word !== now.word) {
    say('breaks', `is ${now.word}, no longer ${then.word}`)
    return changes
  }
  if (then.at !== now.at) say('breaks', `stands in ${now.at}, no longer in ${then.at}`)
  if (then.column !== now.column) say('breaks', `is in the column ${now.column}, no longer in ${then.column}`)
  if (!same(then.presence, now.presence)) say(...presenceChange(then.presence, now.presence))
  if (then.personal !== now.personal)
    say('changes', now.personal ? 'is personal now' : 'is personal no longer')
  return changes
}

type Said = [Effect, string]

const presenceText = (presence: DescribedField['presence']): string =>
  typeof presence === 'object' ? `${shown(presence.default)} where it is missing` : presence

function presenceChange(then: DescribedField['presence'], now: DescribedField['presence']): Said {
  const sentence = `is ${presenceText(now)}, no longer ${presenceText(then)}`
  if (now === 'required') return ['narrows', sentence]
  return [then === 'required' ? 'widens' : 'breaks', sentence]
}

type Schema = Readonly<Record<string, unknown>>

/** Keywords of which more takes more. */
const MORE_WIDENS = [
  'maximum',
  'exclusiveMaximum',
  'maxLength',
  'maxItems',
  'x-maxBytes',
  'x-decimals',
  'x-digits',
]
/** Keywords of which more takes less. */
const MORE_NARROWS = ['minLength', 'minItems']
/** Without which a value is read as another. */
const MEANING = ['x-unit', 'x-currency', 'contentEncoding']

/** What differs between what a word took and takes. */
export function schemaChanges(then: Schema, now: Schema): Said[] {
  const changes: Said[] = []
  const [wasType, isType] = [listOf(then['type']), listOf(now['type'])]
  compareLists(wasType, isType, (effect, values, verb) => changes.push([effect, `${verb} ${values}`]))
  compareLists(listOf(then['enum']), listOf(now['enum']), (effect, values, verb) =>
    changes.push([effect, `${verb} ${values}`]),
  )
  for (const keyword of [...MORE_WIDENS, ...MORE_NARROWS]) {
    const [was, is] = [then[keyword] as number | undefined, now[keyword] as number | undefined]
    if (was === is) continue
    const bounds = MORE_NARROWS.includes(keyword)
    // Without a bound everything is taken.
    const isMore = bounds ? (is ?? -Infinity) < (was ?? -Infinity) : (is ?? Infinity) > (was ?? Infinity)
    changes.push([isMore ? 'widens' : 'narrows', `has ${keyword} ${shown(is)}, no longer ${shown(was)}`])
  }
  const [wasLow, isLow] = [lowest(then), lowest(now)]
  if (wasLow.rank !== isLow.rank)
    changes.push([
      isLow.rank < wasLow.rank ? 'widens' : 'narrows',
      `takes what is ${isLow.text}, no longer ${wasLow.text}`,
    ])
  const whole = (of: Schema) => Number(of['x-digits'] ?? NaN) - Number(of['x-decimals'] ?? NaN)
  if (whole(now) < whole(then))
    changes.push(['narrows', `takes ${whole(now)} digits before the point, no longer ${whole(then)}`])
  for (const keyword of MEANING)
    if (!same(then[keyword], now[keyword]))
      changes.push(['breaks', `has ${keyword} ${shown(now[keyword])}, no longer ${shown(then[keyword])}`])
  for (const keyword of ['pattern', 'format'])
    if (!same(then[keyword], now[keyword]) && wasType.join() === isType.join())
      changes.push([
        'narrows',
        `may take less: its ${keyword} is ${shown(now[keyword])}, no longer ${shown(then[keyword])}`,
      ])
  if (typeof then['items'] === 'object' && typeof now['items'] === 'object')
    for (const [effect, sentence] of schemaChanges(then['items'] as Schema, now['items'] as Schema))
      changes.push([effect, `of each element: ${sentence}`])
  return changes
}

/** The lower bound of a number; above one lies a little more than from it on. */
function lowest({ minimum, exclusiveMinimum }: Schema): { rank: number; text: string } {
  if (typeof minimum === 'number') return { rank: minimum, text: `at least ${minimum}` }
  if (typeof exclusiveMinimum === 'number')
    return { rank: exclusiveMinimum + 1e-9, text: `above ${exclusiveMinimum}` }
  return { rank: -Infinity, text: 'anything' }
}

function compareLists(
  was: readonly unknown[],
  is: readonly unknown[],
  say: (effect: Effect, values: string, verb: string) => void,
): void {
  const gone = was.filter((value) => !is.includes(value) && !(value === 'integer' && is.includes('number')))
  const come = is.filter((value) => !was.includes(value))
  if (gone.length > 0) say('narrows', gone.map(shown).join(', '), 'takes no longer')
  if (come.length > 0) say('widens', come.map(shown).join(', '), 'takes also')
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value]

/** As JSON, in which the order of names tells nothing apart. */
const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? ''
const shown = (value: unknown): string =>
  value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value)
