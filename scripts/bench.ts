import { count } from '../etl/text/wording.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { measurePairs, renderPairs } from './bench/against.ts'
import { measureScenario, renderMatrix, type MeasuredScenario } from './bench/matrix.ts'
import type { Bench } from './bench/measure.ts'
import { commitHash, otherCheckout, thisCheckout } from './bench/checkout.ts'
import { HELP, readOptions, type AgainstOptions, type MatrixOptions } from './bench/options.ts'
import { failCommand } from './command-failure.ts'
import { startServers } from './servers/index.ts'

const EXIT_SLOWER = 6

/** What docs/OPERATIONS.md advises for a warehouse under load; durability stays as it is. */
const POSTGRES_SETTINGS = { shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min' }

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options.kind === 'help') {
    console.log(HELP)
    return 0
  }
  if (options.kind === 'against') await commitHash(options.commit) // before servers are started for nothing
  return withBench((bench) => (options.kind === 'matrix' ? matrix(bench, options) : against(bench, options)))
}

async function matrix(bench: Bench, options: MatrixOptions): Promise<number> {
  const checkout = await thisCheckout()
  console.log(`${options.records.toLocaleString('en')} records a topic, by ${checkout.name}\n`)
  const measured: MeasuredScenario[] = []
  for (const name of options.scenarios) measured.push(await measureScenario(bench, checkout, name, options))
  console.log(renderMatrix(measured))
  return 0
}

async function against(bench: Bench, options: AgainstOptions): Promise<number> {
  const { records, scenario, partitions, batchSize } = options
  const checkouts = {
    this: await thisCheckout(),
    that: await otherCheckout(options.commit, bench.place),
  }
  console.log(
    `${records.toLocaleString('en')} records, ${scenario}, ${count(partitions, 'partition')}, ${batchSize} a batch`,
  )
  const pairs = await measurePairs(bench, checkouts, options)
  const { text, verdict } = renderPairs(pairs, { this: checkouts.this.name, that: checkouts.that.name })
  console.log(text)
  return verdict.isSlower ? EXIT_SLOWER : 0
}

async function withBench(work: (bench: Bench) => Promise<number>): Promise<number> {
  const place = temporaryPlace()
  const servers = await startServers({ postgresSettings: POSTGRES_SETTINGS })
  try {
    console.log(`${machine()}\n${servers.description}`)
    return await work({ servers, place, postgresPid: servers.postgres?.pid?.() })
  } finally {
    await servers.stop()
  }
}

/** A directory that goes with this process, also at Ctrl-C. */
function temporaryPlace(): string {
  const place = mkdtempSync(join(tmpdir(), 'pulse-bench-'))
  process.once('exit', () => rmSync(place, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
  return place
}

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}

try {
  process.exitCode = await main()
} catch (error) {
  failCommand(error)
}
