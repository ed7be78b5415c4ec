import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, onTestFinished, test } from 'vitest'
import { postgresUser } from '../../scripts/servers/postgres.ts'
import {
  aBacklog,
  aProducer,
  consumed,
  progressTo,
  sentBy,
  SMALL_BATCHES,
  together,
} from '../support/fault-backlog.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { status } from '../support/fault-worker.ts'
import { aWorld, type World } from '../support/world.ts'
import { ownPostgres, type OwnPostgres } from './support/own-servers.ts'
import { expectExactlyInThreeTicks } from './support/three-ticks.ts'

let own: OwnPostgres | string
let postgres: OwnPostgres

beforeAll(async () => {
  own = await ownPostgres()
})
afterAll(async () => {
  if (typeof own !== 'string') await own.stop()
})
beforeEach(({ skip }) => {
  if (typeof own === 'string') skip(own)
  else postgres = own
})
afterEach(async () => {
  // A test that failed in the middle leaves nothing to the next one.
  if (typeof own === 'string') return
  await own.control.start()
  await asAdmin('alter system reset all', 'select pg_reload_conf()')
})

const FLOW = { PRODUCER_RATE: '400' }
const aWorldOfItsOwn = () =>
  aWorld({ servers: { kafkaBrokers: inject('kafkaBrokers'), databaseUrl: postgres.databaseUrl } })

test('a warehouse whose disk is full fails its runs and says so, blames no record, and goes on alone when there is room', async ({
  skip,
}) => {
  const found = aSmallDisk(join(postgres.data, '..', 'small'))
  if (typeof found === 'string') skip(found)
  const disk = found as SmallDisk
  const world = await aWorldOfItsOwn()
  await disk.take(world)
  const etl = world.startEtl(SMALL_BATCHES)
  const producer = aProducer(world, FLOW)
  await progressTo(world, 200, 60_000)

  disk.fill()
  await etl.waitForLine(({ err }) => (err as { code?: string } | undefined)?.code === '53100', {
    limitMs: 60_000,
  })
  const before = await consumed(world)
  await etl.waitForLine('the batch was not loaded; its offsets stay')
  expect(await status(etl, '/healthz')).toBe(200)
  disk.free()

  await progressTo(world, before + 400, 60_000)
  producer.kill('SIGTERM')
  await expectExactlyInThreeTicks(world, await sentBy(producer))
  expect(await etl.stop()).toBe(0)
})

test('a failover that leaves connections to a read-only server is survived: they are given up, and new ones find the primary', async () => {
  const world = await aWorldOfItsOwn()
  const etl = world.startEtl(SMALL_BATCHES)
  const producer = aProducer(world, FLOW)
  await progressTo(world, 200, 60_000)
  const old = await sessionsOf(world)

  // Every session that there is can only read, and every new one too.
  await asAdmin('alter system set default_transaction_read_only = on', 'select pg_reload_conf()')
  await etl.waitForLine(
    ({ msg, err }) =>
      msg.startsWith('the run could not be made') && (err as { code?: string }).code === '25006',
  )
  const before = await consumed(world)
  expect(await status(etl, '/healthz')).toBe(200)
  // From now on new sessions may write; the old ones never.
  await asAdmin(`alter database ${nameOf(world)} set default_transaction_read_only = off`)

  await progressTo(world, before + 400, 60_000)
  producer.kill('SIGTERM')
  await expectExactlyInThreeTicks(world, await sentBy(producer))
  const now = new Set(await sessionsOf(world))
  expect(old.filter((pid) => now.has(pid))).toEqual([])
  expect(await etl.stop()).toBe(0)
})

test('a failover that loses the last commits is made good: the job goes back to the watermark and loads them again', async () => {
  const world = await aWorldOfItsOwn()
  const etl = world.startEtl(SMALL_BATCHES)
  const early = await aBacklog(world, 600)
  await expectExactly(world, early)
  await postgres.control.stop()
  const standby = `${postgres.data}-standby`
  execFileSync('cp', ['-a', postgres.data, standby])
  await postgres.control.start()
  const late = await aBacklog(world, 300)
  await expectExactly(world, together(early, late))
  const group = await world.groupOffsets()

  await postgres.control.kill()
  rmSync(postgres.data, { recursive: true })
  execFileSync('mv', [standby, postgres.data])
  await postgres.control.start()

  expect(await consumed(world)).toBe(early.total)
  for (const { partition, next_offset } of await world.watermarks())
    expect(group.get(partition)).toBeGreaterThan(next_offset)
  await expectExactlyInThreeTicks(world, together(early, late))
  const keys = (await world.dlqMessages()).map(({ key }) => String(key))
  expect(keys.length - new Set(keys).size).toBe(late.conflicting + late.invalid)
  expect(await etl.stop()).toBe(0)
})

const SMALL_DISK_MB = 48

interface SmallDisk {
  /** Moves the world's warehouse there; nobody may be connected to it yet. */
  take(world: World): Promise<void>
  fill(): void
  free(): void
}

/** A filesystem in memory, with room for a new warehouse. @returns the reason, for a skip, where there can't be one. */
function aSmallDisk(path: string): SmallDisk | string {
  const user = postgresUser()
  if (user === undefined || process.platform !== 'linux') return 'a small filesystem takes root, on Linux'
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_MB}m,mode=0700`, 'tmpfs', path], {
      stdio: 'pipe',
    })
  } catch (error) {
    return `this machine does not mount: ${(error as Error).message}`
  }
  chownSync(path, user.uid, user.gid)
  onTestFinished(async () => {
    await asAdmin('drop tablespace if exists small')
    execFileSync('umount', [path])
  })
  const filler = join(path, 'filler')
  return {
    take: (world) =>
      asAdmin(
        `create tablespace small location '${path}'`,
        `alter database ${nameOf(world)} set tablespace small`,
      ),
    fill: () => {
      expect(() => writeFileSync(filler, Buffer.alloc(SMALL_DISK_MB * 1024 * 1024))).toThrow('ENOSPC')
    },
    free: () => rmSync(filler),
  }
}

const nameOf = (world: World) => `"${new URL(world.env['DATABASE_URL']!).pathname.slice(1)}"`

async function asAdmin(...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: postgres.databaseUrl })
  await client.connect()
  await client.query('set default_transaction_read_only = off')
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The worker's sessions, by pid. */
async function sessionsOf({ pool }: World): Promise<number[]> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name like 'global-sales-pulse%'`,
  )
  return rows.map(({ pid }) => pid)
}
