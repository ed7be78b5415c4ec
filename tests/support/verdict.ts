import type { Pool } from 'pg'
import type { Kafka } from '../../etl/kafka/client.ts'
import type { Stream } from '../../etl/stream/compile.ts'
import { imbalances } from './balance.ts'
import { Complaints } from './complaints.ts'
import { meaningOf, shown, type Meaning } from './meant.ts'
import { Newest } from './newest.ts'
import { readTopic, type StoredRecord } from './read-topic.ts'
import { fingerprint, type PlainRecord, type SentLog } from './sent-log.ts'
import { stream as first } from './stream.ts'

export interface Case {
  /** The first of the installation unless told. */
  readonly stream?: Pick<Stream, 'definition'>
  readonly sent: SentLog
  readonly pool: Pool
  readonly kafka: Kafka
  readonly topic: string
  readonly dlqTopic: string
}

/**
 * What is wrong, a line each; empty where a drained warehouse holds what was sent and nothing else. Shares no code
 * with the product: meaning and money are worked out anew, of the stream's declaration; what it derives, by
 * streams/<name>/tests/support/oracle.ts.
 *
 * Each record of the topic is exactly one of: the one fact of its identity, with the values that its sender meant;
 * a duplicate that its batch counts; a dead letter with these very bytes and the right code. What Kafka acknowledged
 * is on the topic; what is in doubt may be, once or more often, and is judged like the rest if it is. A fact of a stream
 * of versions is a version, and the current row of each key is the newest one in the log.
 */
export async function verdict({
  sent,
  pool,
  kafka,
  topic,
  dlqTopic,
  stream: { definition } = first,
}: Case): Promise<string[]> {
  const complaints = new Complaints()
  const meaning = await meaningOf(definition)
  const isLatest = definition.identity.latest !== undefined
  const table = `warehouse.${definition.name}`
  const loaded = { topic, table: isLatest ? `${table}_history` : table, meaning }
  const books = await readBooks(pool, loaded, complaints)
  const newest = isLatest ? new Newest(meaning) : undefined
  const judgement = judge(sent, books, { meaning, newest, complaints })
  await readTopic(kafka, topic, judgement.record)
  judgement.end()
  await checkPublished(kafka, topic, dlqTopic, books.letters, complaints)
  for (const complaint of (await newest?.complaints(pool, table)) ?? []) complaints.add(...complaint)
  return [...(await imbalances(pool, definition)), ...complaints.lines()]
}

interface Letter extends PlainRecord {
  readonly code: string
}

interface StoredLetter extends Omit<Letter, 'headers'> {
  readonly place: string
  /** Values in base64. */
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
}

interface Batch {
  readonly batch_id: string
  readonly partition: number
  readonly from_offset: string
  readonly to_offset: string
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly dead_lettered: number
}

/** Facts and dead letters by the place that they say they come from, such as 0:17; of the first incarnation. */
interface Books {
  readonly facts: Map<string, string>
  readonly letters: Map<string, Letter>
  /** By partition, ascending. */
  readonly batches: Map<number, Batch[]>
}

async function readBooks(
  pool: Pool,
  { topic, table, meaning }: { readonly topic: string; readonly table: string; readonly meaning: Meaning },
  complaints: Complaints,
): Promise<Books> {
  // As text, put together by Postgres: half a million rows fit into memory so.
  const facts = await pool.query<{ place: string; fact: string }>(
    `select source_partition || ':' || source_offset || case incarnation when 1 then '' else ':' || incarnation end as place,
            ${meaning.stored} as fact
     from ${table}`,
  )
  const letters = await pool.query<StoredLetter>(
    `select partition || ':' || "offset" || case incarnation when 1 then '' else ':' || incarnation end as place,
            code, key, value, headers
     from audit.dead_letters where topic = $1`,
    [topic],
  )
  const batches = await pool.query<Batch>(
    `select batch_id, partition, from_offset::text, to_offset::text, consumed, loaded, duplicate, dead_lettered
     from audit.pipeline_batches where topic = $1 order by partition, pipeline_batches.from_offset`,
    [topic],
  )
  const books: Books = {
    facts: new Map(),
    letters: new Map(),
    batches: Map.groupBy(batches.rows, ({ partition }) => partition),
  }
  for (const { place, fact } of facts.rows) {
    if (books.facts.has(place)) complaints.add('two facts of one record', `${place} ${shown(fact)}`)
    books.facts.set(place, fact)
  }
  for (const { place, headers, ...letter } of letters.rows) {
    if (books.letters.has(place)) complaints.add('two dead letters of one record', place)
    books.letters.set(place, {
      ...letter,
      headers: headers.map(({ key, value }) => ({
        key,
        value: value === null ? null : Buffer.from(value, 'base64'),
      })),
    })
  }
  return books
}

type Fate = 'loaded' | 'duplicate' | 'dead_lettered'

/** A record that is not the fact: a duplicate, or a dead letter because it differs from the fact. */
interface Repetition {
  readonly place: string
  readonly partition: number
  readonly offset: number
  readonly identity: string
  readonly fact: string
  readonly isLetter: boolean
}

interface Judging {
  readonly meaning: Meaning
  readonly newest: Newest | undefined
  readonly complaints: Complaints
}

function judge(
  sent: SentLog,
  { facts, letters, batches }: Books,
  { meaning: { factOf, identityIn }, newest, complaints }: Judging,
) {
  /** Each identity's one fact, and where it came from. */
  const loadedAt = new Map<string, { partition: number; offset: number; fact: string }>()
  const repetitions: Repetition[] = []
  const fates = new Map<number, { offset: number; fate: Fate }[]>()
  const accountedFor = new Set<string>()
  const onTopic = new Map<number, number>()

  /** @returns undefined for what is no fact and no dead letter: a duplicate, if its fact is there. */
  const fateOf = (record: StoredRecord, place: string, code: string | undefined): Fate => {
    const { partition, offset } = record
    const fact = facts.get(place)
    const letter = letters.get(place)
    if (fact !== undefined || letter !== undefined) accountedFor.add(place)
    if (fact !== undefined && letter !== undefined) complaints.add('both a fact and a dead letter', place)
    if (letter !== undefined && fingerprint(letter) !== fingerprint(record))
      complaints.add('a dead letter with other bytes than were sent', place)
    if (code !== undefined) {
      if (fact !== undefined) complaints.add('garbage became a fact', `${place} should be ${code}`)
      else if (letter === undefined) complaints.add('garbage is lost', `${place} should be ${code}`)
      else if (letter.code !== code)
        complaints.add('a dead letter with another code', `${place} is ${letter.code}, should be ${code}`)
      return 'dead_lettered'
    }
    const meant = factOf(record.value!)
    const identity = identityIn(meant)
    if (fact === undefined) {
      if (letter !== undefined && letter.code !== 'conflicting_duplicate')
        complaints.add('a valid record became a dead letter', `${place} is ${letter.code}`)
      repetitions.push({ place, partition, offset, identity, fact: meant, isLetter: letter !== undefined })
      return letter === undefined ? 'duplicate' : 'dead_lettered'
    }
    if (fact !== meant)
      complaints.add('a fact is not what was sent', `${place} is ${shown(fact)}, should be ${shown(meant)}`)
    if (loadedAt.has(identity)) complaints.add('a fact was loaded twice', `${place} ${shown(identity)}`)
    loadedAt.set(identity, { partition, offset, fact: meant })
    newest?.add({ place, fact: meant })
    return 'loaded'
  }

  const record = (stored: StoredRecord): void => {
    const { partition, offset } = stored
    const place = `${partition}:${offset}`
    const bytes = fingerprint(stored)
    const acknowledged = sent.acknowledged.get(partition)?.get(offset)
    if (acknowledged !== undefined) onTopic.set(partition, (onTopic.get(partition) ?? 0) + 1)
    if (acknowledged !== undefined && acknowledged !== bytes)
      complaints.add('Kafka holds other bytes than it acknowledged', place)
    const meaning = sent.meant.get(bytes)
    if (meaning === undefined) {
      complaints.add('on the topic, but nobody sent it', place)
      return
    }
    const fate = fateOf(stored, place, meaning === 'fact' ? undefined : meaning.code)
    const others = fates.get(partition) ?? []
    fates.set(partition, others)
    others.push({ offset, fate })
  }

  const end = (): void => {
    for (const { place, partition, offset, identity, fact, isLetter } of repetitions) {
      const loaded = loadedAt.get(identity)
      if (loaded === undefined) complaints.add('a fact is lost', `${place} ${shown(identity)}`)
      else if (isLetter && loaded.fact === fact)
        complaints.add('an exact duplicate became a dead letter', `${place} ${shown(identity)}`)
      else if (!isLetter && loaded.fact !== fact)
        complaints.add(
          'neither loaded nor refused, with other values than its fact',
          `${place} ${shown(identity)}`,
        )
      else if (loaded.partition === partition && offset < loaded.offset)
        complaints.add('a fact was not loaded from its first record', `${place} ${shown(identity)}`)
    }
    for (const [partition, offsets] of sent.acknowledged)
      if (onTopic.get(partition) !== offsets.size)
        complaints.add(
          'acknowledged, but not on the topic',
          `${offsets.size - (onTopic.get(partition) ?? 0)} records of partition ${partition}`,
        )
    for (const place of facts.keys())
      if (!accountedFor.has(place))
        complaints.add('a fact of what was not sent', `${place} ${shown(facts.get(place))}`)
    for (const place of letters.keys())
      if (!accountedFor.has(place)) complaints.add('a dead letter of what was not sent', place)
    for (const partition of new Set([...fates.keys(), ...batches.keys()]))
      checkLedger(batches.get(partition) ?? [], fates.get(partition) ?? [], complaints)
  }
  return { record, end }
}

/** Both ascending: each record is in one batch, and each batch counts what its records became. */
function checkLedger(
  batches: readonly Batch[],
  records: readonly { offset: number; fate: Fate }[],
  complaints: Complaints,
): void {
  let next = 0
  for (const batch of batches) {
    for (; next < records.length && records[next]!.offset < Number(batch.from_offset); next++)
      complaints.add('a record in no batch', `offset ${records[next]!.offset} before ${batch.batch_id}`)
    const count = { loaded: 0, duplicate: 0, dead_lettered: 0 }
    for (; next < records.length && records[next]!.offset < Number(batch.to_offset); next++)
      count[records[next]!.fate] += 1
    const { loaded, duplicate, dead_lettered, consumed } = batch
    const counted = `${consumed} = ${loaded} + ${duplicate} + ${dead_lettered}`
    const expected = `${count.loaded + count.duplicate + count.dead_lettered} = ${count.loaded} + ${count.duplicate} + ${count.dead_lettered}`
    if (counted !== expected)
      complaints.add('a batch counts wrongly', `${batch.batch_id}: ${counted}, should be ${expected}`)
  }
  for (; next < records.length; next++)
    complaints.add('a record in no batch', `offset ${records[next]!.offset}, after the last batch`)
}

/** Each dead letter is on its topic at least once, with the bytes of its record, and nothing else is. */
async function checkPublished(
  kafka: Kafka,
  topic: string,
  dlqTopic: string,
  letters: Books['letters'],
  complaints: Complaints,
): Promise<void> {
  const published = new Set<string>()
  await readTopic(kafka, dlqTopic, ({ key, value }) => {
    const place = key?.toString().replace(`${topic}:`, '') ?? 'without a key'
    const letter = letters.get(place)
    if (letter === undefined) complaints.add('published, but no dead letter', place)
    else if (!(letter.value === null ? value === null : value?.equals(letter.value) === true))
      complaints.add('published with other bytes', place)
    published.add(place)
  })
  for (const place of letters.keys())
    if (!published.has(place)) complaints.add('a dead letter that was not published', place)
}
