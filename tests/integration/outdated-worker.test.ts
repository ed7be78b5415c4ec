import { expect, test } from 'vitest'
import { MigrationMismatch } from '../../etl/postgres/migrations.ts'
import { StreamMismatch } from '../../etl/stream/registry.ts'
import { stream } from '../support/stream.ts'
import { marked, roles } from '../support/messages.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** A worker whose warehouse was migrated by a newer version, which refuses what this version thinks is right. */

const REFUSES = `alter table warehouse.${stream.name} add constraint of_a_newer_version check (${roles.columns[roles.mark]} <> 'refused')`
const NEWER = `insert into audit.schema_migrations (tag, hash) values ('9999_newer', 'newer')`
const ANOTHER_CONTRACT = `update audit.streams set contract_hash = 'another'`

async function aRunOn(world: World, ...changes: string[]) {
  const outdated: Error[] = []
  await world.produce([aLiveMessage(marked('refused')), aLiveMessage()])
  const worker = await world.openWorker({ onOutdated: (error) => void outdated.push(error) })
  for (const sql of changes) await world.pool.query(sql)
  return { run: await worker.runOnce(), outdated }
}

test('a record that the warehouse of this version refuses is a dead letter', async () => {
  const world = await aWorld({ partitions: 1 })
  const { run, outdated } = await aRunOn(world, REFUSES)
  expect(run).toMatchObject({ status: 'succeeded', loaded: 1, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([{ code: 'rejected_by_warehouse' }])
  expect(outdated).toEqual([])
})

test.for([
  ['migrations', NEWER, MigrationMismatch, /has migration 9999_newer of a newer version/],
  ['another contract', ANOTHER_CONTRACT, StreamMismatch, new RegExp(`another contract of ${stream.name}`)],
] as const)('with newer %s nobody is blamed: the worker ends', async ([, change, kind, said]) => {
  const world = await aWorld({ partitions: 1 })
  const { run, outdated } = await aRunOn(world, REFUSES, change)
  expect(run).toMatchObject({ status: 'failed', loaded: 0, deadLettered: 0 })
  expect(run.error).toMatch(said)
  expect(await world.deadLetters()).toEqual([])
  expect(await world.watermarks()).toMatchObject([{ next_offset: 0 }])
  expect(outdated[0]).toBeInstanceOf(kind)
})

test('a worker of another contract than the warehouse was migrated for does not start', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.pool.query(ANOTHER_CONTRACT)
  const etl = world.startEtl()
  expect(await etl.exited).toBe(1)
  expect(etl.output()).toContain(`the warehouse was migrated for another contract of ${stream.name}`)
})

test('a worker whose warehouse becomes a newer version’s under it ends with 1, and its log says why', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl()
  await etl.waitForLine('ready')
  for (const sql of [REFUSES, NEWER]) await world.pool.query(sql)
  await world.produce([aLiveMessage(marked('refused'))])
  expect(await etl.exited).toBe(1)
  expect(etl.output()).toContain('this worker ends, and blames no record')
  expect(await world.deadLetters()).toEqual([])
})
