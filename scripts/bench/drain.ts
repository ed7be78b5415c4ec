import { readConfig } from '../../etl/process/config.ts'
import { createLogger } from '../../etl/process/log.ts'
import { compile } from '../../etl/stream/compile.ts'
import { installedStreams, type Installed } from '../../etl/stream/installed.ts'
import { streams } from '../../etl/installation.ts'
import { readMigrations } from '../../etl/postgres/migrations.ts'
import { startWorker } from '../../etl/worker/worker.ts'
import { cpuMeter } from './cpu.ts'
import { StatementTimes } from './statement-times.ts'

/**
 * A worker as users run it, in a process of its own, that makes one run by hand and says what it took.
 * Started by the benchmark, also by that of another version: its configuration is the environment, its answer
 * the last line of standard output, JSON. With BENCH_POSTGRES_PID the answer holds the CPU that Postgres spent on
 * the run, with BENCH_STATEMENTS=true each statement's time.
 */
const definition = streams[0]!
const general = readConfig(
  ['kafka', 'database', 'etl', 'console', 'alerts', 'housekeeping', 'log'],
  process.env,
  definition.environment,
)
const [{ config }] = installedStreams(general, [definition]) as [Installed<typeof general>]
const statements = process.env['BENCH_STATEMENTS'] === 'true' ? new StatementTimes() : undefined
const worker = await startWorker(
  config,
  {
    streams: [{ stream: compile(definition, config), config }],
    runs: () => true,
    pages: [],
    migrations: readMigrations(),
  },
  'bench',
  createLogger(config.LOG_LEVEL),
  new AbortController().signal,
  (open) => {
    statements?.watch(open.pool)
    return open
  },
)
const [running] = worker.streams
await running!.joined()
const postgresCpu = cpuMeter(Number(process.env['BENCH_POSTGRES_PID'] ?? '') || undefined)()
const cpuBefore = process.cpuUsage()
const before = performance.now()
await running!.runNow()
const seconds = (performance.now() - before) / 1000
const cpu = process.cpuUsage(cpuBefore)
process.stdout.write(
  `${JSON.stringify({
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    postgresCpuSeconds: postgresCpu(),
    ...(statements && { statements: statements.all() }),
  })}\n`,
)
await worker.stop()
process.exit(0)
