import { readConfig } from '../../etl/process/config.ts'
import { createLogger } from '../../etl/process/log.ts'
import { startWorker } from '../../etl/worker/worker.ts'

/**
 * A worker as users run it, in a process of its own, that makes one run by hand and says what it took.
 * Started by the benchmark; its configuration is the environment, its answer one line of JSON.
 */
const config = readConfig(['kafka', 'database', 'etl', 'console', 'alerts', 'housekeeping', 'log'])
const worker = await startWorker(
  config,
  'bench',
  createLogger(config.LOG_LEVEL),
  new AbortController().signal,
)
await worker.joined()
const cpuBefore = process.cpuUsage()
const before = performance.now()
worker.scheduler.trigger('manual')
await worker.scheduler.idle()
const seconds = (performance.now() - before) / 1000
const cpu = process.cpuUsage(cpuBefore)
process.stdout.write(
  `${JSON.stringify({
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  })}\n`,
)
await worker.stop()
process.exit(0)
