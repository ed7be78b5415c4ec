import { aligned } from '../../etl/text/table.ts'
import { count } from '../../etl/text/wording.ts'
import type { MeasuredCell, MeasuredScenario } from './matrix.ts'
import type { StatementTime } from './statement-times.ts'
import type { Copied } from './yardsticks.ts'

const HEADER = ['', 'facts/s', 'of COPY', 'of COPY + keys', 'ETL CPU', 'Postgres CPU', 'ETL peak MB']

/** All that was drained, held against the copies of the same rows. */
export function renderMatrix(scenarios: readonly MeasuredScenario[]): string {
  const sections = [
    aligned([HEADER, ...scenarios.flatMap(rowsOf)]).join('\n'),
    LEGEND,
    absoluteCpu(scenarios),
  ]
  const statements = scenarios.flatMap(({ name, cells }) => cells.flatMap((cell) => statementsOf(name, cell)))
  return [...sections, ...statements].join('\n\n')
}

const LEGEND = `of COPY         one COPY of the same facts takes this share of the drain's time
of COPY + keys  the same, of COPY of facts and order keys in one transaction: what the guarantee costs at least
… CPU           as a multiple of the CPU seconds that Postgres spends on COPY of the facts`

function rowsOf({ name, facts, copies, cells }: MeasuredScenario): string[][] {
  const { facts: copy, 'facts and keys': withKeys } = copies
  const times = (cpuSeconds: number | undefined) => multiple(cpuSeconds, copy.cpuSeconds)
  const row = (what: string, { seconds }: { seconds: number }, ...rest: string[]) => [
    what,
    Math.round(facts / seconds).toLocaleString('en'),
    (copy.seconds / seconds).toFixed(2),
    (withKeys.seconds / seconds).toFixed(2),
    ...rest,
  ]
  return [
    row(`${name}: COPY`, copy, '', times(copy.cpuSeconds), ''),
    row(`${name}: COPY + keys`, withKeys, '', times(withKeys.cpuSeconds), ''),
    ...cells.map(({ partitions, batchSize, drain }) =>
      row(
        `${name}: ETL, ${count(partitions, 'partition')}, ${batchSize} a batch`,
        drain,
        times(drain.cpuSeconds),
        times(drain.postgresCpuSeconds),
        String(Math.round(drain.peakBytes / 2 ** 20)),
      ),
    ),
  ]
}

function multiple(cpuSeconds: number | undefined, copy: Copied['cpuSeconds']): string {
  if (cpuSeconds === undefined || copy === undefined || copy === 0) return 'n/a'
  return `${(cpuSeconds / copy).toFixed(1)} ×`
}

function absoluteCpu(scenarios: readonly MeasuredScenario[]): string {
  const perMillion = scenarios.map(({ name, facts, copies }) => {
    const { cpuSeconds } = copies.facts
    return `${name} ${cpuSeconds === undefined ? 'n/a' : ((cpuSeconds / facts) * 1e6).toFixed(1)}`
  })
  return `CPU seconds of COPY a million facts, on this machine only: ${perMillion.join(', ')}`
}

/** Statements below this share of all are one line. */
const MINOR = 0.002

function statementsOf(name: string, { partitions, batchSize, statements }: MeasuredCell): string[] {
  if (statements === undefined) return []
  const total = statements.reduce((sum, { totalMs }) => sum + totalMs, 0)
  const isMinor = ({ totalMs }: StatementTime) => totalMs < MINOR * total
  const minor = statements.filter(isMinor)
  const others = {
    name: `${minor.length} others`,
    calls: minor.reduce((sum, { calls }) => sum + calls, 0),
    totalMs: minor.reduce((sum, { totalMs }) => sum + totalMs, 0),
  }
  const shown = [...statements.filter((one) => !isMinor(one)), ...(minor.length === 0 ? [] : [others])]
  const rows = shown.map((statement) => [
    statement.name,
    statement.calls.toLocaleString('en'),
    (statement.totalMs / statement.calls).toFixed(2),
    `${((statement.totalMs / total) * 100).toFixed(1)} %`,
  ])
  const title = `statements: ${name}, ${count(partitions, 'partition')}, ${batchSize} a batch`
  return [aligned([[title, 'calls', 'mean ms', 'of all'], ...rows]).join('\n')]
}
