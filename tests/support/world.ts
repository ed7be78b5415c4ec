import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Pool } from 'pg'
import { pino } from 'pino'
import { expect, inject, onTestFinished, TestRunner } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { PartitionCursor } from '../../etl/kafka/cursor.ts'
import { openLogReader } from '../../etl/kafka/log-reader.ts'
import { connectProducer, type OutgoingRecord, type RecordProducer } from '../../etl/kafka/producer.ts'
import { groupOffsets } from '../../etl/kafka/group-offsets.ts'
import { ensureTopics, partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { describeError } from '../../etl/process/log.ts'
import type { RunSummary } from '../../etl/job/run.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { readMigrations } from '../../etl/postgres/migrations.ts'
import { compile, type Stream } from '../../etl/stream/compile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { writeMigration } from '../../scripts/migration/generate.ts'
import { migrate } from '../../scripts/migration/migrate.ts'
import { topicSpecs } from '../../scripts/topics.ts'
import { imbalances } from './balance.ts'
import { startChild, type Child, type LogLine } from './child.ts'
import { createDatabase } from './database.ts'
import { stream as theStream } from './stream.ts'
import { waitFor, type Limits } from './wait-for.ts'
import {
  readDeadLetters,
  readFacts,
  readLedger,
  readWatermarks,
  type StoredBatch,
  type StoredDeadLetter,
  type StoredFact,
  type StoredProgress,
} from './warehouse.ts'
import { openWorker, type InProcessWorker, type RunOverrides, type WorkerOptions } from './worker.ts'

/**
 * A world of its own for a test, on the servers that all tests share: a migrated database, a topic and
 * its dead-letter topic, a consumer group. Names are random, so tests run in any order and side by side.
 *
 *     test('what is produced is loaded', async () => {
 *       const world = await aWorld({ partitions: 1 })
 *       await world.produce([aLiveMessage(), 'no JSON'])
 *       await world.runOnce()                       // one run in this process …
 *       expect(await world.facts()).toHaveLength(1)
 *       expect(await world.deadLetters()).toMatchObject([{ offset: 1, code: 'malformed_json' }])
 *       await world.assertBalanced()
 *     })
 *
 *     test('a killed worker loses nothing', async () => {
 *       const world = await aWorld()
 *       const etl = world.startEtl()                // … or processes
 *       await etl.waitForLine('ready')
 *       etl.kill('SIGKILL')
 *       world.startEtl({ BATCH_SIZE: '10' })
 *       await world.drained()
 *       await world.assertBalanced()
 *     })
 *
 * Everything is removed when the test ends, however it ends. Made outside a test (beforeAll), whoever
 * made it calls cleanUp(). For faults give servers of your own: `aWorld({ servers })`.
 */
export interface World {
  /** For a process or readConfig: brokers, database, topics, group, session timeout 6 s, a tick each second. */
  readonly env: Readonly<Record<string, string>>
  readonly topic: string
  readonly dlqTopic: string
  readonly groupId: string
  /** What is loaded. */
  readonly stream: Stream
  /** The topic of one of the others. */
  topicOf(other: Definition): string
  readonly kafka: Kafka
  /** Connections as the superuser, to look and to tamper. */
  readonly pool: Pool
  /** What the workers in this process logged, oldest first. */
  readonly logs: readonly LogLine[]

  /** Objects become JSON; strings, bytes and null stand as they are. Into partition 0 unless told. */
  produce(messages: readonly Message[], options?: { partition?: number; to?: string }): Promise<void>
  /** Whole records; without a partition the key decides. */
  produceRecords(records: readonly OutgoingRecord[]): Promise<void>

  /** One run in this process, by a member of the group that joins at the first call. */
  runOnce(overrides?: RunOverrides): Promise<RunSummary>
  /** Another worker in this process; closed at the end. */
  openWorker(options?: Pick<WorkerOptions, 'owns' | 'onOutdated'>): Promise<InProcessWorker>
  /** `node etl/main.ts` with the world's environment and these changes. */
  startEtl(env?: Readonly<Record<string, string>>): Child
  /** `node producer/main.ts`; give PRODUCER_LIMIT or stop it. */
  startProducer(env?: Readonly<Record<string, string>>): Child
  /** Any other program of ours: `startProgram('scripts/pulse.ts', ['status'])`. */
  startProgram(script: string, args?: readonly string[], env?: Readonly<Record<string, string>>): Child

  /** Resolves when each partition's watermark is at the end of its log (last stable offset). */
  drained(limits?: Limits): Promise<void>
  /** First and last stable offset of each partition. */
  bounds(): Promise<{ partition: number; start: number; end: number }[]>
  /** The group's committed offsets, by partition; −1 where it has none. */
  groupOffsets(): Promise<Map<number, number>>

  facts(): Promise<StoredFact[]>
  deadLetters(): Promise<StoredDeadLetter[]>
  ledger(): Promise<StoredBatch[]>
  watermarks(): Promise<StoredProgress[]>
  /** Everything on the dead-letter topic, by partition and offset. */
  dlqMessages(): Promise<SourceRecord[]>
  /** Fails the test unless the books balance: tests/support/balance.ts. */
  assertBalanced(): Promise<void>

  cleanUp(): Promise<void>
}

export type Message = object | string | Buffer | null

export interface WorldOptions {
  /** Of both topics; 3. */
  readonly partitions?: number
  /** Above the world's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Above those of scripts/topics.ts, by Kafka's names. */
  readonly topicSettings?: Readonly<Record<string, string>>
  readonly dlqSettings?: Readonly<Record<string, string>>
  /** Topics are not made; the test does it. */
  readonly withoutTopics?: boolean
  /**
   * What is loaded, instead of this installation's stream; its tables are made for it. Programs load it too where it is
   * one of tests/support/streams/.
   */
  readonly stream?: Definition
  /**
   * What is loaded beside `stream`, each from a topic of its own: see `topicOf`. Without `stream` they are others of the
   * installation. In programs only.
   */
  readonly others?: readonly Definition[]
  /** A statement that its migration has by hand. */
  readonly migration?: string
  /** Instead of the shared ones. */
  readonly servers?: { readonly kafkaBrokers: string; readonly databaseUrl: string }
  /** Of the context of a test that runs beside others (test.concurrent): vitest can't tell it by itself there. */
  readonly onTestFinished?: (cleanUp: () => Promise<void>) => void
}

export { aLiveMessage } from './messages.ts'

/**
 * Writes a folder of streams, as STREAMS_DIR names one: declarations of tests/support/streams/, and the migration that they
 * mean, as `npm run generate-migration` does. Gives the folder of its migrations.
 *
 * @param byHand a statement that goes after it.
 */
export async function migrationsOf(
  stream: Definition,
  byHand?: string,
  others: readonly Definition[] = [],
): Promise<URL> {
  const home = await mkdtemp(join(tmpdir(), 'streams-'))
  const names = [stream, ...others].map(({ name }) => name)
  const imported = names.map((name) => {
    const file = new URL(`./streams/${name}.ts`, import.meta.url).href
    return `import { ${name} } from ${JSON.stringify(file)}\n`
  })
  await writeFile(
    join(home, 'index.ts'),
    `${imported.join('')}export const streams = [${names.join(', ')}]\n`,
  )
  const folder = pathToFileURL(`${home}/migrations/`)
  const tag = await writeMigration('streams', stream.name, [stream, ...others], folder)
  if (byHand !== undefined)
    await appendFile(new URL(`${tag}.sql`, folder), `--> statement-breakpoint\n${byHand}\n`)
  return folder
}

export async function aWorld(options: WorldOptions = {}): Promise<World> {
  const closers: (() => unknown)[] = []
  const cleanUp = async () => {
    // Last made, first closed; one that fails doesn't keep the others.
    for (let close = closers.pop(); close !== undefined; close = closers.pop())
      await Promise.resolve(close()).catch(() => undefined)
  }
  if (options.onTestFinished !== undefined) options.onTestFinished(cleanUp)
  else if (TestRunner.getCurrentTest() !== undefined) onTestFinished(cleanUp)
  try {
    return await build(options, closers, cleanUp)
  } catch (error) {
    await cleanUp()
    throw error
  }
}

async function build(
  options: WorldOptions,
  closers: (() => unknown)[],
  cleanUp: () => Promise<void>,
): Promise<World> {
  const servers = options.servers ?? {
    kafkaBrokers: inject('kafkaBrokers'),
    databaseUrl: inject('databaseUrl'),
  }
  const database = await createDatabase(servers.databaseUrl)
  closers.push(() => database.drop())
  const others = options.others ?? []
  const folder = options.stream && (await migrationsOf(options.stream, options.migration, others))
  const declared = options.stream
  const loaded = declared === undefined ? theStream : compile(declared)
  const migrations = readMigrations(folder)
  await migrate(
    database.url,
    declared && folder ? { streams: [declared, ...others], migrations, folder } : {},
  )
  if (folder) closers.push(() => rm(new URL('..', folder), { recursive: true, force: true }))

  const name = `world-${randomBytes(6).toString('hex')}`
  const loadedHere = [theStream.definition, ...others].map((one) => one.name).join()
  const topicOf = (one: Definition) => `${name}-${one.name}`
  const env: Record<string, string> = {
    KAFKA_BROKERS: servers.kafkaBrokers,
    KAFKA_TOPIC: name,
    KAFKA_DLQ_TOPIC: `${name}.dlq`,
    KAFKA_GROUP_ID: `${name}-etl`,
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    TOPIC_PARTITIONS: String(options.partitions ?? 3),
    DATABASE_URL: database.url,
    ETL_SCHEDULE: '* * * * * *',
    HTTP_PORT: '0',
    // The others of the installation have no topics here.
    ...(folder === undefined && { STREAMS: loadedHere, PRODUCER_STREAMS: loadedHere }),
    ...(folder && { STREAMS_DIR: fileURLToPath(new URL('..', folder)) }),
    ...Object.fromEntries(others.map((one) => [variableOf(one), topicOf(one)])),
    ...options.env,
  }
  const config = readConfig(['kafka', 'topics', 'database', 'etl', 'housekeeping'], env)
  const { KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: dlqTopic, KAFKA_GROUP_ID: groupId } = config
  const logs: LogLine[] = []
  const logger = pino(
    { level: 'debug', serializers: { err: describeError } },
    { write: (line: string) => void logs.push(JSON.parse(line) as LogLine) },
  )
  const kafka = createKafka(config, logger, name)
  const ofOthers = others.flatMap((one) => [topicOf(one), `${topicOf(one)}.dlq`])
  const withTopics = [topic, dlqTopic]
  const groups = [groupId, ...others.map((one) => `${groupId}.${one.name}`)]
  closers.push(() => removeFromKafka(kafka, [...withTopics, ...ofOthers], groups))
  if (options.withoutTopics !== true) {
    const [spec, dlqSpec] = topicSpecs(config)
    await withAdmin(kafka, (admin) =>
      ensureTopics(admin, [
        { ...spec!, settings: { ...spec!.settings, ...options.topicSettings } },
        { ...dlqSpec!, settings: { ...dlqSpec!.settings, ...options.dlqSettings } },
        ...others.flatMap((one) =>
          topicSpecs({ ...config, KAFKA_TOPIC: topicOf(one), KAFKA_DLQ_TOPIC: `${topicOf(one)}.dlq` }, one),
        ),
      ]),
    )
    for (const made of [...withTopics, ...ofOthers]) await untilThere(kafka, made)
  }
  const pool = new Pool({ connectionString: database.url, max: 4 })
  pool.on('error', () => undefined) // the database is dropped under it
  closers.push(() => pool.end())

  const producer = once(async (): Promise<RecordProducer> => {
    const connected = await connectProducer(kafka)
    closers.push(() => connected.disconnect())
    return connected
  })
  let workers = 0
  const open = async (how: Pick<WorkerOptions, 'owns' | 'onOutdated'> = {}) => {
    const worker = await openWorker({
      kafka,
      config,
      logger,
      name: `${name}-${++workers}`,
      migrations,
      ...how,
      stream: loaded,
    })
    closers.push(() => worker.close())
    return worker
  }
  const worker = once(() => open())
  const start = (script: string, args: readonly string[], changed: Readonly<Record<string, string>> = {}) => {
    const child = startChild(script, { ...env, ...changed }, args)
    closers.push(() => {
      child.kill('SIGKILL')
      return child.exited
    })
    return child
  }
  const bounds = () => withAdmin(kafka, (admin) => partitionBounds(admin, topic))

  return {
    env,
    topic,
    dlqTopic,
    groupId,
    stream: loaded,
    kafka,
    pool,
    logs,
    topicOf,
    produce: async (messages, { partition = 0, to = topic } = {}) =>
      (await producer()).send(
        to,
        messages.map((message) => ({ key: 'customer-1', value: toBytes(message), partition })),
      ),
    produceRecords: async (records) => (await producer()).send(topic, records),
    runOnce: async (overrides) => (await worker()).runOnce(overrides),
    openWorker: (how) => open(how),
    startEtl: (changed) => start('etl/main.ts', [], changed),
    startProducer: (changed) => start('producer/main.ts', [], changed),
    startProgram: (script, args = [], changed = {}) => start(script, args, changed),
    drained: async (limits) => {
      await waitFor(
        'all partitions to be drained',
        async () => {
          const marks = new Map((await readWatermarks(pool)).map((row) => [row.partition, row.next_offset]))
          return (await bounds()).every(({ partition, end }) => marks.get(partition) === end)
        },
        { limitMs: 30_000, ...limits },
      )
    },
    bounds,
    groupOffsets: async () => {
      const committed = await withAdmin(kafka, (admin) => groupOffsets(admin, groupId, topic))
      return new Map([...committed].map(([partition, { offset }]) => [partition, offset]))
    },
    facts: () => readFacts(pool, declared),
    deadLetters: () => readDeadLetters(pool),
    ledger: () => readLedger(pool),
    watermarks: () => readWatermarks(pool),
    dlqMessages: () => readWholeTopic(kafka, dlqTopic),
    assertBalanced: async () => expect(await imbalances(pool, declared)).toEqual([]),
    cleanUp,
  }
}

const variableOf = ({ name }: Definition) => `STREAM_${name.toUpperCase()}_TOPIC`

/** A busy broker that has said yes to a topic may not know it for a while yet. */
export async function untilThere(kafka: Kafka, topic: string): Promise<void> {
  await waitFor(`topic ${topic} to be there`, () =>
    withAdmin(kafka, (admin) => partitionBounds(admin, topic)).then(
      () => true,
      () => false,
    ),
  )
}

/** Makes it at the first call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

function toBytes(message: Message): Buffer | null {
  if (message === null || Buffer.isBuffer(message)) return message
  return Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
}

/** Every record of a topic up to its end now, by partition and offset. */
export async function readWholeTopic(kafka: Kafka, topic: string): Promise<SourceRecord[]> {
  return (await readPartitions(kafka, topic)).flat()
}

/** Every record of each partition of a topic up to its end now, in offset order. */
export async function readPartitions(kafka: Kafka, topic: string): Promise<SourceRecord[][]> {
  const bounds = await withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  const reader = await openLogReader(kafka, topic)
  try {
    const partitions: SourceRecord[][] = []
    for (const { partition, start, end } of bounds) {
      const records: SourceRecord[] = []
      const cursor = new PartitionCursor(reader, partition, start)
      const limits = { end, maxRecords: Infinity, maxBytes: Infinity }
      for (let slice = await cursor.next(limits); slice !== undefined; slice = await cursor.next(limits))
        records.push(...slice.records)
      partitions.push(records)
    }
    return partitions
  } finally {
    await reader.close()
  }
}

/** A group whose members were killed is still held by the broker for its session timeout: then it stays. */
async function removeFromKafka(
  kafka: Kafka,
  topics: readonly string[],
  groups: readonly string[],
): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const there = new Set(await admin.listTopics())
    const ours = topics.filter((topic) => there.has(topic))
    if (ours.length > 0) await admin.deleteTopics({ topics: ours })
    for (const group of groups) await admin.deleteGroups([group]).catch(() => undefined)
  })
}
