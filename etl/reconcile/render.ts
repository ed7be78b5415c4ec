import { aligned } from '../text/table.ts'
import { printable } from '../text/printable.ts'
import { count, duration, offsets, thousands } from '../text/wording.ts'
import type { Check, Counts, DataLoss, PartitionReport, PartitionStart, ReconcileReport } from './report.ts'

/** The report for people: the partitions, then what was checked, and the verdict last, where a terminal stops. */
export function renderReconciliation(report: ReconcileReport): string {
  const blocks = [
    [`Reconciliation of ${report.topic}, snapshot of ${report.snapshotAt}`],
    renderPartitions(report.partitions),
    report.partitions.flatMap(renderPruned),
    report.starts.map(renderStart),
    report.checks.flatMap(renderCheck),
    report.losses.filter(({ acknowledgedAt }) => acknowledgedAt !== null).map(renderLoss),
    report.warnings.map((warning) => `⚠️ ${warning}`),
    [`${verdict(report)} (${duration(report.tookMs)})`],
  ]
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printable).join('\n'))
    .join('\n\n')
}

/** `Balanced: 20,000 consumed = 19,186 loaded + 321 duplicate + 493 dead-lettered`, or what is wrong. */
export function verdict({ balanced, totals, checks }: ReconcileReport): string {
  if (balanced) return `Balanced: ${equation(totals, '=')}`
  const failed = checks.filter(({ findings }) => findings.length > 0)
  const found = failed.map(({ name, findings }) => `${name} ${thousands(totalOf(findings))}`)
  const total = failed.reduce((all, { findings }) => all + totalOf(findings), 0)
  const adds = totals.consumed === totals.loaded + totals.duplicate + totals.skipped + totals.deadLettered
  return `NOT balanced: ${count(total, 'finding')} (${found.join(', ')}); ${equation(totals, adds ? '=' : '≠')}`
}

function equation({ consumed, loaded, duplicate, skipped, deadLettered }: Counts, sign: string): string {
  return (
    `${thousands(consumed)} consumed ${sign} ` +
    `${thousands(loaded)} loaded + ${thousands(duplicate)} duplicate + ${skipped === 0 ? '' : `${thousands(skipped)} skipped + `}${thousands(deadLettered)} dead-lettered`
  )
}

/** What a finding says of a book whose terms don't add up. */
export const notTheSum = ({ consumed, loaded, duplicate, skipped, deadLettered }: Counts): string =>
  `${thousands(consumed)} consumed is not ${[loaded, duplicate, ...(skipped === 0 ? [] : [skipped]), deadLettered].map(thousands).join(' + ')}`

const totalOf = (findings: readonly { total: number }[]): number =>
  findings.reduce((all, { total }) => all + total, 0)

function renderCheck({ name, rule, scope, findings, tookMs }: Check): string[] {
  const looked = `(${scope}; ${duration(tookMs)})`
  if (findings.length === 0) return [`✅ ${name}: ${rule} ${looked}`]
  return [
    `❌ ${name}: ${count(totalOf(findings), 'finding')}. It must be that ${rule} ${looked}`,
    ...findings.flatMap(({ kind, total, examples }) => [
      `   ${kind}: ${thousands(total)}`,
      ...examples.map(({ subject, message }) => `     ${subject}: ${message}`),
      ...(total > examples.length ? [`     … and ${thousands(total - examples.length)} more`] : []),
    ]),
  ]
}

function renderLoss(loss: DataLoss): string {
  return (
    `⚠️ ${loss.topic}/${loss.partition} lost ${offsets(loss.fromOffset, loss.toOffset)}, acknowledged by ` +
    `${loss.acknowledgedBy} at ${loss.acknowledgedAt}: ${loss.reason}`
  )
}

function renderStart({ topic, partition, declared, logStart, firstOffset, ...by }: PartitionStart): string {
  const before =
    logStart === firstOffset
      ? 'the log held nothing before'
      : `${offsets(logStart, firstOffset)} were not read, by declaration`
  return (
    `ℹ️ ${topic}/${partition} began at offset ${firstOffset} (start: ${declared}), on ${by.startedAt} by ${by.worker} ` +
    `with contract ${by.contractHash}: ${before}`
  )
}

const HEADINGS = [
  'Partition',
  'First',
  'Watermark',
  'Log',
  'Batches',
  'Consumed',
  'Loaded',
  'Duplicate',
  'Dead-lettered',
]

function renderPartitions(partitions: readonly PartitionReport[]): string[] {
  if (partitions.length === 0) return ['Nothing was loaded yet.']
  const skips = partitions.some(({ skipped }) => skipped > 0)
  const headings = HEADINGS.toSpliced(8, 0, ...(skips ? ['Skipped'] : []))
  return aligned([headings, ...partitions.map((row) => cells(row, skips))])
}

/** What was taken away for its age, and what can therefore only be proved as a sum. */
function renderPruned(row: PartitionReport): string[] {
  const name = nameOf(row)
  const { openingBalance: opening, dropped, pruned } = row
  return [
    ...(opening === null
      ? []
      : [
          `ℹ️ ${name}: ${offsets(opening.fromOffset, opening.toOffset)} are an opening balance, proved as a sum: ` +
            `${count(opening.batches, 'batch', 'batches')}, ${equation(opening, '=')}`,
        ]),
    ...(dropped === 0 && pruned === 0
      ? []
      : [
          `ℹ️ ${name}: of the loaded ${count(dropped, 'fact')} dropped for their age, of the dead-lettered ` +
            `${count(pruned, 'resolved dead letter')} pruned`,
        ]),
  ]
}

const nameOf = ({ topic, partition, incarnation }: PartitionReport): string =>
  `${topic}/${partition}${incarnation === 1 ? '' : ` #${incarnation}`}`

const orDash = (n: number | null): string => (n === null ? '-' : thousands(n))

function cells(row: PartitionReport, withSkipped: boolean): string[] {
  return [
    nameOf(row),
    orDash(row.firstOffset),
    orDash(row.watermark),
    row.logStart === null || row.logEnd === null
      ? '-'
      : `${thousands(row.logStart)}–${thousands(row.logEnd)}`,
    ...[row.batches, row.consumed, row.loaded, row.duplicate].map(thousands),
    ...(withSkipped ? [thousands(row.skipped)] : []),
    thousands(row.deadLettered),
  ]
}
