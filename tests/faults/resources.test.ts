import { existsSync, realpathSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Child } from '../support/child.ts'
import type { Sent } from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { cpuMs, endOf, peakMemoryMb, workerPid } from '../support/fault-worker.ts'
import { descendantsOf } from '../support/processes.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const RECORDS = 100_000
/** Unknown fields are allowed and not kept: with this one the backlog is 170 MB. */
const PADDING = 'x'.repeat(1_500)
/** As little as V8 needs, so that what a worker takes is what it holds. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=4' }
const MEMORY_LIMIT_MB = 260
const WINDOW_MS = 10_000
const IDLE_LIMIT = 0.05

describe.skipIf(!existsSync('/proc/self/status'))('what a worker takes (read from /proc)', () => {
  test(
    'npm run etl drains a backlog of 100,000 in bounded memory, and hands a SIGTERM on',
    { timeout: 120_000 },
    async () => {
      const world = await aWorld()
      const sent = await aLargeBacklog(world)

      const npm = npmRunEtl(world, SMALL_HEAP)
      await npm.waitForLine('ready')
      await expectExactly(world, sent, 60_000)

      expect(peakMemoryMb(workerPid(npm))).toBeLessThan(MEMORY_LIMIT_MB)
      const { code, ms } = await endOf(npm)
      expect(code).toBe(0)
      expect(ms).toBeLessThan(10_000)
      expect(npm.said('stopped')).toBeDefined()
    },
  )

  test('a worker with nothing to do uses next to no processor time', async () => {
    const world = await aWorld()
    const etl = world.startEtl({ ETL_SCHEDULE: '*/30 * * * * *' })
    await Promise.all([etl.waitForLine('ready'), etl.waitForLine('joined the group')])
    // What is measured is that nothing happens: at first it still compiles, and looks at everything once.
    const share = async (ms: number): Promise<number> => {
      const before = cpuMs(etl.pid)
      await delay(ms)
      return (cpuMs(etl.pid) - before) / ms
    }
    await waitFor('it to come to rest', async () => (await share(1_000)) < IDLE_LIMIT)

    expect(await share(WINDOW_MS)).toBeLessThan(IDLE_LIMIT)
    expect(await etl.stop()).toBe(0)
  })
})

/** Sales of now, 500 in a send, on all partitions in turn. */
async function aLargeBacklog(world: World): Promise<Sent> {
  for (let sent = 0; sent < RECORDS; sent += 500) {
    const messages = Array.from({ length: 500 }, () => aLiveMessage({ padding: PADDING }))
    await world.produce(messages, { partition: (sent / 500) % 3 })
  }
  return { total: RECORDS, valid: RECORDS, duplicate: 0, conflicting: 0, invalid: 0 }
}

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
