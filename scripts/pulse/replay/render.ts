import type { Derived, ReplayFigures } from '../../../etl/replay/figures.ts'
import { table, type Column } from '../output.ts'
import { printable } from '../../../etl/text/printable.ts'
import { count, thousands } from '../../../etl/text/wording.ts'

interface Line {
  readonly what: string
  readonly before: string
  readonly after: string
}

const COLUMNS: readonly Column<Line>[] = [
  { heading: '', of: ({ what }) => what },
  { heading: 'before', of: ({ before }) => before },
  { heading: 'after', of: ({ after }) => after },
]

/** What a replay found and did, or would do. */
export function renderFigures(figures: ReplayFigures, dryRun: boolean): string {
  const { records, facts, changed, flagged, tax, samples } = figures
  const sums: Line[] = [
    { what: 'flagged', before: thousands(flagged.before), after: thousands(flagged.after) },
    ...Object.entries(tax).map(([currency, sum]) => ({ what: `tax ${currency}`, ...sum })),
  ]
  return [
    `${count(changed, 'fact')} ${dryRun ? 'would change' : 'changed'}, of ${count(facts, 'fact')} from ${count(records, 'record')}.`,
    ...leftAlone(figures),
    ...(facts === 0 ? [] : ['', ...table(sums, COLUMNS)]),
    ...(samples.length === 0 ? [] : ['', ...samples.map(sample)]),
    ...(dryRun ? ['', 'Nothing was changed: it was a dry run.'] : []),
  ].join('\n')
}

/** The records that no fact was held against, and why. */
function leftAlone({ notValid, withoutFact, otherValues, gone }: ReplayFigures): string[] {
  const lines: [number, string][] = [
    [notValid, `${count(notValid, 'record')} not valid by the current code: dead letters, as a rule.`],
    [withoutFact, `${count(withoutFact, 'record')} without a fact: duplicates, conflicts, dropped for age.`],
    [otherValues, `${count(otherValues, 'fact')} left alone: the current code reads other values.`],
    [gone, `${count(gone, 'offset')} passed over: Kafka no longer held them.`],
  ]
  return lines.flatMap(([n, line]) => (n === 0 ? [] : [`  ${line}`]))
}

function sample({ orderId, before, after }: ReplayFigures['samples'][number]): string {
  return `${orderId}  ${derived(before)}  →  ${derived(after)}`
}

function derived({ tax, flagged, score, reasons }: Derived): string {
  return flagged ? printable(`tax ${tax}, flagged ${score} (${reasons.join('; ')})`) : `tax ${tax}`
}
