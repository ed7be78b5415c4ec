import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'

/** A record as one hands it to Kafka or reads it from there; every header has one value. */
export interface PlainRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/** What its sender meant: a record that is valid, or what is not, with the code of its dead letter. */
export type Meaning = 'fact' | { readonly code: string }

/**
 * What was handed to Kafka and what Kafka said of it, so that a checker need not believe the product.
 * tests/support/sender.ts writes it, tests/support/verdict.ts holds the warehouse against it.
 *
 * Records are kept as fingerprints: half a million of them are some 50 MB. With a file, what is said here
 * survives the program: each line is written before the send that it is about, or after its answer.
 */
export class SentLog {
  /** Of everything that was handed over, by fingerprint: the same bytes always mean the same. */
  readonly meant = new Map<string, Meaning>()
  /** Fingerprints that Kafka acknowledged, by partition and offset. */
  readonly acknowledged = new Map<number, Map<number, string>>()
  readonly #unanswered = new Map<number, { partition: number; fingerprints: readonly string[] }>()
  readonly #file: string | undefined
  #sends = 0
  #records = 0

  /** @param file where it is kept; one that is there is read first and gone on with. */
  constructor(file?: string) {
    this.#file = file
    if (file === undefined || !existsSync(file)) return
    const text = readFileSync(file, 'utf8')
    // A line cut off by the end of its program: its send never began, or its answer is in doubt.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    truncateSync(file, Buffer.byteLength(whole))
    for (const line of whole.split('\n')) if (line !== '') this.#take(JSON.parse(line) as Line)
  }

  /** Records that were handed over. */
  get records(): number {
    return this.#records
  }

  /** Records that may be in the log or not, as nobody answered: not yet, or never. */
  get inDoubt(): number {
    return [...this.#unanswered.values()].reduce((sum, { fingerprints }) => sum + fingerprints.length, 0)
  }

  /** Call it before the send. @returns the number of the send, for its answer. */
  sending(partition: number, records: readonly (PlainRecord & { readonly meaning: Meaning })[]): number {
    const send = this.#sends + 1
    const entries = records.map(({ meaning, ...record }): Entry => [
      fingerprint(record),
      meaning === 'fact' ? null : meaning.code,
    ])
    this.#write({ send, partition, records: entries })
    return send
  }

  /** Kafka has all records of the send, one behind the other from this offset on. */
  answered(send: number, baseOffset: number): void {
    this.#write({ answered: send, baseOffset })
  }

  #write(line: Line): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
    this.#take(line)
  }

  #take(line: Line): void {
    if ('send' in line) {
      this.#sends = line.send
      this.#records += line.records.length
      for (const [bytes, code] of line.records) this.meant.set(bytes, code === null ? 'fact' : { code })
      const fingerprints = line.records.map(([bytes]) => bytes)
      this.#unanswered.set(line.send, { partition: line.partition, fingerprints })
      return
    }
    const { partition, fingerprints } = this.#unanswered.get(line.answered)!
    this.#unanswered.delete(line.answered)
    const offsets = this.acknowledged.get(partition) ?? new Map<number, string>()
    this.acknowledged.set(partition, offsets)
    fingerprints.forEach((bytes, index) => offsets.set(line.baseOffset + index, bytes))
  }
}

/** Fingerprint, and the code of its dead letter; null for what is valid. */
type Entry = readonly [string, string | null]
type Line =
  | { readonly send: number; readonly partition: number; readonly records: readonly Entry[] }
  | { readonly answered: number; readonly baseOffset: number }

/** The same for the same key, value and headers, and for no others. */
export function fingerprint({ key, value, headers }: PlainRecord): string {
  const hash = createHash('sha256')
  for (const part of [key, value, ...headers.flatMap((header) => [Buffer.from(header.key), header.value])])
    hash.update(part === null ? '-' : `${part.length}:`).update(part ?? '')
  return hash.digest('base64url').slice(0, 22)
}
