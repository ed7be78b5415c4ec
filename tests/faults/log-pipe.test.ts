import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../scripts/servers/processes.ts'
import { aBacklog, consumed, progressTo, SMALL_BATCHES, together } from '../support/fault-backlog.ts'
import { fastLoads, slowLoads } from '../support/fault-slow-loads.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

test('a worker whose log nobody reads stands still and is seen to; another loads on, and when the reader wakes all is right', async () => {
  const world = await aWorld()
  const sent = await aBacklog(world, 2_000)
  await slowLoads(world.pool, 0.02)
  const etl = await aWorkerWithAPipe(world)
  await progressTo(world, 200, 40_000)

  etl.fillPipe()
  await waitFor('the worker not to answer', async () => (await etl.health()) === undefined, {
    limitMs: 20_000,
  })
  expect(await consumed(world)).toBeLessThan(sent.total)
  await fastLoads(world.pool)
  const other = world.startEtl(SMALL_BATCHES)
  await expectExactly(world, sent, 40_000)

  etl.wakeReader()
  await waitFor('the worker to answer again', async () => (await etl.health()) === 200, { limitMs: 20_000 })
  await expectExactly(world, together(sent, await aBacklog(world, 300)))
  expect([await etl.stop(), await other.stop()]).toEqual([0, 0])
})

test('a worker whose log’s reader is gone loads on, and ends as it should', async () => {
  const world = await aWorld()
  const etl = await aWorkerWithAPipe(world)
  const early = await aBacklog(world, 300)
  await progressTo(world, 200, 40_000)

  etl.closeReader()

  await expectExactly(world, together(early, await aBacklog(world, 500)))
  expect(await etl.health()).toBe(200)
  expect(await etl.stop()).toBe(0)
})

/** A worker that logs each batch into a pipe; nobody reads it before the test says so. */
async function aWorkerWithAPipe(world: World) {
  const directory = mkdtempSync(join(tmpdir(), 'pulse-pipe-'))
  const pipe = join(directory, 'log')
  execFileSync('mkfifo', [pipe])
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const log = openSync(pipe, 'w')
  const port = await freePort()
  const child = spawn(process.execPath, ['etl/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      ...world.env,
      ...SMALL_BATCHES,
      HTTP_PORT: String(port),
      LOG_LEVEL: 'debug',
    },
    stdio: ['ignore', log, 'inherit'],
  })
  closeSync(log)
  const exited = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true })
  })
  return {
    /** What /healthz answers, undefined where nothing comes. */
    health: async () => {
      const answer = fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) })
      return answer.then(
        (response) => response.status,
        () => undefined,
      )
    },
    fillPipe: () => {
      const filler = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
      const fill = () => {
        for (;;) writeSync(filler, ' ')
      }
      expect(fill).toThrow('EAGAIN')
      closeSync(filler)
    },
    // It ends with the worker, its last writer.
    wakeReader: () => void new Socket({ fd: reader, readable: true, writable: false }).resume(),
    closeReader: () => closeSync(reader),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}
