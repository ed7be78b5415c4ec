import type { Mismatch } from './compare.ts'
import { inMb, type FuzzResult } from './run.ts'

/** What was sent, what became of it, and what the ETL took for it. */
export function report({ records, seconds, fates, memory, mismatches, failures }: FuzzResult): string {
  const rate = Math.round(records / seconds)
  return [
    fateTable(fates),
    '',
    `${records} records in ${Math.round(seconds)} s (${rate}/s with making and comparing them)`,
    `memory of the ETL: ${inMb(memory.idle)} MB idle, ${inMb(memory.peak)} MB at most`,
    ...mismatches.slice(0, SHOWN).flatMap(describeMismatch),
    ...failures.map((failure) => `FAILED: ${failure}`),
    ...(failures.length === 0 ? ['Every record became what it should.'] : []),
  ].join('\n')
}

const SHOWN = 10

/** A row for each kind of record, a column for each fate. */
function fateTable(counts: FuzzResult['fates']): string {
  const cells = [...counts].map(([key, count]) => [...key.split('/'), count] as [string, string, number])
  const kinds = [...new Set(cells.map(([kind]) => kind))].sort()
  const fates = [...new Set(cells.map(([, fate]) => fate))].sort()
  const sum = (of: (cell: [string, string, number]) => boolean) =>
    cells.filter(of).reduce((total, [, , count]) => total + count, 0)
  const rows = [
    ['', ...fates, 'all'],
    ...kinds.map((kind) => [
      kind,
      ...fates.map((fate) => sum((cell) => cell[0] === kind && cell[1] === fate)),
      sum((cell) => cell[0] === kind),
    ]),
    ['all', ...fates.map((fate) => sum((cell) => cell[1] === fate)), sum(() => true)],
  ].map((row) => row.map(String))
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    )
    .join('\n')
}

function describeMismatch({ at, sent, expected, found }: Mismatch): string[] {
  return [
    `partition:offset ${at}, ${sent.kind}, “${sent.name}”`,
    `  value     ${shown(sent.value)}`,
    `  key       ${shown(sent.key)}`,
    `  expected  ${shortened(expected)}`,
    `  found     ${shortened(found)}`,
  ]
}

/** Printable whatever it is: as text where it is ASCII, else in hex. */
function shown(bytes: Buffer | null | 'batch'): string {
  if (bytes === null) return 'null'
  if (bytes === 'batch') return 'the batch as it was stored'
  const head = bytes.subarray(0, 400)
  const isText = head.every((byte) => byte >= 0x20 && byte < 0x7f)
  const text = isText ? head.toString('latin1') : `0x${head.toString('hex')}`
  return bytes.length > head.length ? `${text}… (${bytes.length} bytes)` : text
}

const shortened = (text: string) => (text.length > 600 ? `${text.slice(0, 600)}…` : text)
