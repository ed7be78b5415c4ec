import { readFileSync } from 'node:fs'
import { isUtf8 } from 'node:buffer'
import { createKafka } from '../../etl/kafka/client.ts'
import { lastRecords, NoTopic } from '../../etl/kafka/last-records.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { readConfig } from '../../etl/process/config.ts'
import { createLogger } from '../../etl/process/log.ts'
import { decodeJson, type JsonObject } from '../../etl/stream/json.ts'

/** Records of one kind, to guess a declaration from. */
export interface Sample {
  /** Where they are from, for people. */
  readonly from: string
  readonly records: readonly SampleRecord[]
  /** Records of the topic that hold no JSON object. */
  readonly skipped: number
}

export interface SampleRecord {
  readonly source: SourceRecord
  readonly message: JsonObject
  /** Its key, of a topic's record that has one as text. */
  readonly key: string | undefined
}

/** No sample could be read, or none that a declaration can be guessed from: says why, and what to do. */
export class NoGuess extends Error {
  override readonly name = 'NoGuess'
}

/** A whole number that a double doesn't hold. */
export class Inexact {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/**
 * A message on each line; empty lines are none.
 *
 * @param file `-` is standard input.
 * @throws NoGuess.
 */
export function sampleOfFile(file: string): Sample {
  let bytes: Buffer
  try {
    bytes = readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new NoGuess(`${file} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`)
  }
  const from = file === '-' ? 'standard input' : file
  if (!isUtf8(bytes)) throw new NoGuess(`${from} is not UTF-8`)
  const records = bytes
    .toString()
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return []
      const value = Buffer.from(line)
      const source = { offset: i, timestamp: Date.now(), key: null, value, headers: [] }
      const decoded = decodeJson(value)
      if ('code' in decoded) throw new NoGuess(`${from}, line ${i + 1}: ${decoded.problem}`)
      return [{ source, message: exactly(value), key: undefined }]
    })
  if (records.length === 0)
    throw new NoGuess(`${from} holds no message: it must have a JSON object on each line`)
  return { from, records, skipped: 0 }
}

/**
 * The last records of a topic, about as many of each partition. Reads without a group, so it leaves no trace.
 *
 * @throws NoGuess, KafkaUnreachable.
 */
export async function sampleOfTopic(topic: string, last: number): Promise<Sample> {
  const kafka = createKafka(readConfig(['kafka']), createLogger('silent'), 'global-sales-pulse-new-stream')
  const read: SourceRecord[] = []
  try {
    for await (const { records } of lastRecords(kafka, topic, last)) read.push(...records)
  } catch (error) {
    throw error instanceof NoTopic ? new NoGuess(error.message, { cause: error }) : error
  }
  const records = read.flatMap((source) => {
    if (source.undecodable !== undefined || 'code' in decodeJson(source.value)) return []
    const key = source.key !== null && isUtf8(source.key) ? source.key.toString() : undefined
    return [{ source, message: exactly(source.value!), key }]
  })
  if (records.length === 0)
    throw new NoGuess(
      read.length === 0
        ? `the topic ${topic} is empty`
        : `of the last ${read.length} records of ${topic} none is a JSON object`,
    )
  return { from: `the topic ${topic}`, records, skipped: read.length - records.length }
}

/** As parsed, but whole numbers that would be rounded are no numbers. */
const exactly = (value: Buffer): JsonObject => JSON.parse(value.toString(), revive) as JsonObject

const revive = (_: string, parsed: unknown, context?: { readonly source?: string }): unknown =>
  typeof parsed === 'number' &&
  Number.isInteger(parsed) &&
  !Number.isSafeInteger(parsed) &&
  context?.source !== undefined
    ? new Inexact(context.source)
    : parsed
