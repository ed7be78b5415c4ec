import type { Checkout } from './checkout.ts'
import { measureDrain, type Bench, type Measured } from './measure.ts'
import type { MatrixOptions } from './options.ts'
import { withBacklog, type Backlog } from './backlog.ts'
import { cpuMeter } from './cpu.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import type { StatementTime } from './statement-times.ts'
import { measureYardsticks, type Copied, type Yardstick } from './yardsticks.ts'

export interface MeasuredCell {
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
