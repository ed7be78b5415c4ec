import { aligned } from '../../etl/text/table.ts'
import { count } from '../../etl/text/wording.ts'
import type { Checkout } from './checkout.ts'
import { measureDrain, type Bench, type Measured } from './measure.ts'
import type { MatrixOptions } from './options.ts'
import { withBacklog, type Backlog } from './backlog.ts'
import { cpuMeter } from './cpu.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import type { StatementTime } from './statement-times.ts'
import { measureYardsticks, type Copied, type Yardstick } from './yardsticks.ts'

interface MeasuredCell {
  readonly partitions: number
  readonly batchSize: number
  readonly drain: Measured
  /** Of a drain of its own, where they were asked for. */
  readonly statements: readonly StatementTime[] | undefined
}

export interface MeasuredScenario {
  readonly name: ScenarioName
  /** Rows that both sides load. */
  readonly facts: number
  readonly copies: Readonly<Record<Yardstick, Copied>>
  readonly cells: readonly MeasuredCell[]
}

/** One scenario with every number of partitions and batch size; its rows are copied after its first drain. */
export async function measureScenario(
  bench: Bench,
  checkout: Checkout,
  name: ScenarioName,
  options: MatrixOptions,
): Promise<MeasuredScenario> {
  let copies: MeasuredScenario['copies'] | undefined
  let facts = 0
  const cells: MeasuredCell[] = []
  const copyOnce = async (databaseUrl: string) => {
    if (copies !== undefined) return
    process.stderr.write('copying the same rows\n')
    copies = await measureYardsticks(databaseUrl, bench.place, cpuMeter(bench.postgresPid))
  }
  for (const partitions of options.partitions) {
    const of = { scenario: SCENARIOS[name], partitions, records: options.records }
    await withBacklog(bench.servers, of, async (backlog) => {
      facts = backlog.sent.facts
      for (const batchSize of options.batchSizes) {
        process.stderr.write(`draining it, ${batchSize} a batch\n`)
        const drain = await measureDrain(bench, checkout, { backlog, batchSize }, copyOnce)
        const statements = options.statements
          ? await measureStatements(bench, checkout, backlog, batchSize)
          : undefined
        cells.push({ partitions, batchSize, drain, statements })
      }
    })
  }
  return { name, facts, copies: copies!, cells }
}

async function measureStatements(bench: Bench, checkout: Checkout, backlog: Backlog, batchSize: number) {
  process.stderr.write('draining it again, for the statements\n')
  return (await measureDrain(bench, checkout, { backlog, batchSize, statements: true })).statements
}

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
