import { existsSync, realpathSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Child } from '../support/child.ts'
import { aBacklog } from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { cpuMs, endOf, peakMemoryMb, workerPid } from '../support/fault-worker.ts'
import { descendantsOf } from '../support/processes.ts'
import { aWorld, type World } from '../support/world.ts'

const RECORDS = 100_000
/** Far less than V8 takes when it is let: a worker that kept what it has loaded would run out of it. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=64' }
const MEMORY_LIMIT_MB = 300
const WINDOW_MS = 5_000
const IDLE_LIMIT = 0.05

describe.skipIf(!existsSync('/proc/self/status'))('what a worker takes (read from /proc)', () => {
  test('npm run etl drains a backlog of 100,000 in bounded memory, and hands a SIGTERM on', async () => {
    const world = await aWorld()
    const sent = await aBacklog(world, RECORDS)

    const npm = npmRunEtl(world, SMALL_HEAP)
    await npm.waitForLine('ready')
    await expectExactly(world, sent, 60_000)

    expect(peakMemoryMb(workerPid(npm))).toBeLessThan(MEMORY_LIMIT_MB)
    const { code, ms } = await endOf(npm)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(10_000)
    expect(npm.said('stopped')).toBeDefined()
  })

  test('a worker with nothing to do uses next to no processor time', async () => {
    const world = await aWorld()
    const etl = world.startEtl({ ETL_SCHEDULE: '*/30 * * * * *' })
    await Promise.all([etl.waitForLine('ready'), etl.waitForLine('joined the group')])
    const before = cpuMs(etl.pid)

    await delay(WINDOW_MS) // what is measured is that nothing happens

    expect((cpuMs(etl.pid) - before) / WINDOW_MS).toBeLessThan(IDLE_LIMIT)
    expect(await etl.stop()).toBe(0)
  })
})

/** As a person does it: npm, the shell that it starts, and the worker in the shell's place. */
function npmRunEtl(world: World, env: Readonly<Record<string, string>>): Child {
  const cli = realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())
  const npm = world.startProgram(cli, ['run', 'etl'], { HOME: tmpdir(), ...env })
  // A worker whose npm is killed would stay behind.
  onTestFinished(() => {
    if (npm.isRunning()) for (const pid of descendantsOf(npm.pid)) process.kill(pid, 'SIGKILL')
  })
  return npm
}
