import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { roles } from '../support/messages.ts'
import { aSender, type Sender } from '../support/sender.ts'
import { SentLog } from '../support/sent-log.ts'
import { stream } from '../support/stream.ts'
import { verdict } from '../support/verdict.ts'
import { aWorld, type World } from '../support/world.ts'

/** One warehouse, loaded once; each test tampers with it in a transaction that is rolled back. */
let world: World
let sender: Sender
const place = mkdtempSync(join(tmpdir(), 'pulse-verdict-'))
const file = join(place, 'sent')
const pool = () => new Pool({ connectionString: world.env['DATABASE_URL']!, max: 1 })

beforeAll(async () => {
  world = await aWorld({ partitions: 2, env: { BATCH_SIZE: '50' } })
  sender = aSender({ kafka: world.kafka, topic: world.topic, partitions: 2, log: new SentLog(file) })
  await sender.send(900)
  await sender.close()
  await world.runOnce()
})
afterAll(async () => {
  rmSync(place, { recursive: true })
  await world.cleanUp()
})

const judged = (sent: SentLog, one = world.pool) => verdict({ ...world, sent, pool: one })

test('a warehouse that holds what was sent is right', async () => {
  expect([sender.log.records, sender.log.inDoubt]).toEqual([900, 0])
  expect(await judged(sender.log)).toEqual([])
})

const { name } = stream
const [TIME, OTHER, MARK] = [roles.eventTime, roles.other, roles.mark].map((field) => roles.columns[field]!)
const ANY_FACT = `(select id from ${name} where ${OTHER} is not null order by id limit 1)`
const ANY_LETTER = '(select min(id) from dead_letters)'

test.for([
  ['a fact is gone', `delete from ${name} where id = ${ANY_FACT}`, /a fact is lost: \d:\d+/],
  [
    'a fact is there twice',
    `create temporary table twin as select * from ${name} where id = ${ANY_FACT};
     update twin set ${TIME} = ${TIME} - interval '1 second';
     insert into ${name} overriding system value select * from twin`,
    /two facts of one record: \d:\d+/,
  ],
  [
    'what a record tells of is there twice',
    `create temporary table twin as select * from ${name} where id = ${ANY_FACT};
     update twin set ${TIME} = ${TIME} - interval '1 second', source_offset = 100000;
     insert into ${name} overriding system value select * from twin`,
    /a fact of what was not sent: \d:100000/,
  ],
  [
    'a fact has another value',
    `update ${name} set ${OTHER} = ${OTHER} + 1 where id = ${ANY_FACT}`,
    /a fact is not what was sent: \d:\d+ is .* should be/,
  ],
  [
    'a fact has another text',
    `update ${name} set ${MARK} = 'XXX' where id = ${ANY_FACT}`,
    /a fact is not what was sent/,
  ],
  [
    'a fact comes from another record',
    `update ${name} set source_offset = source_offset + 100000 where id = ${ANY_FACT}`,
    /a fact of what was not sent/,
  ],
  [
    'a dead letter has other bytes',
    `update dead_letters set value = '\\x00' where id = ${ANY_LETTER}`,
    /a dead letter with other bytes than were sent: \d:\d+/,
  ],
  [
    'a dead letter has another header',
    `update dead_letters set headers = '[]' where id = ${ANY_LETTER}`,
    /a dead letter with other bytes than were sent: \d:\d+/,
  ],
  [
    'a dead letter has another code',
    `update dead_letters set code = 'undecodable' where id = ${ANY_LETTER}`,
    /a dead letter with another code|a valid record became a dead letter/,
  ],
  [
    'a dead letter is gone',
    `delete from dead_letters where id = ${ANY_LETTER}`,
    /garbage is lost|a batch counts/,
  ],
  [
    'a batch is gone',
    `delete from pipeline_batches where batch_id = (select max(batch_id) from pipeline_batches)`,
    /a record in no batch/,
  ],
  [
    'a batch counts another duplicate',
    `update pipeline_batches set duplicate = duplicate - 1, loaded = loaded + 1
     where batch_id = (select max(batch_id) from pipeline_batches where duplicate > 0)`,
    /a batch counts wrongly/,
  ],
] as const)('%s', async ([, tampering, complaint]) => {
  const one = pool()
  try {
    await one.query('begin')
    await one.query('set local session_replication_role = replica')
    await one.query(tampering)
    expect(await judged(sender.log, one)).toContainEqual(expect.stringMatching(complaint))
  } finally {
    await one.end() // and with it the transaction
  }
})

test('what nobody sent is found on the topic', async () => {
  expect(await judged(new SentLog())).toContainEqual(
    expect.stringMatching(/on the topic, but nobody sent it: \d:\d+/),
  )
})

test('what was acknowledged and is not on the topic is missed', async () => {
  const more = new SentLog()
  const record = { key: null, value: Buffer.from('{'), headers: [], meaning: { code: 'malformed_json' } }
  more.answered(more.sending(1, [record]), 1_000_000)
  expect(await judged(more)).toContain('acknowledged, but not on the topic: 1 records of partition 1')
})

test('what is in doubt may be there, and may be missing', async () => {
  const doubtful = join(place, 'doubtful')
  const sends = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('{"answered"'))
  writeFileSync(doubtful, sends.join('\n'))
  const log = new SentLog(doubtful)
  log.sending(0, [{ key: null, value: null, headers: [], meaning: { code: 'schema_violation' } }])
  expect([log.records, log.inDoubt]).toEqual([901, 901])
  expect(await judged(log)).toEqual([])
})

test('a file that its program left in the middle of a line is gone on with', async () => {
  const torn = join(place, 'torn')
  writeFileSync(torn, readFileSync(file))
  appendFileSync(torn, '{"send":99,"partition":0,"rec')
  new SentLog(torn).sending(0, [])
  const log = new SentLog(torn)
  expect([log.records, log.inDoubt]).toEqual([900, 0])
  expect(await judged(log)).toEqual([])
})
