import kafkajs, {
  type ICustomPartitioner,
  type Message,
  type PartitionMetadata,
  type RecordMetadata,
} from 'kafkajs'

/**
 * Sends records of several partitions as one send for each.
 *
 * Why: kafkajs 2.2.4 keeps the answers of a send by broker. Where one leader dies in the middle and a broker
 * that has answered already takes its partition over, the records of that partition are never sent, and the
 * send succeeds all the same (src/producer/sendMessages.js, `brokersWithoutResponse`); where a partition moves
 * away from a broker that has answered, its records are sent twice. A send of one partition has one leader at a
 * time, so its answer is its own.
 */
export class SendByPartition {
  readonly #choose = kafkajs.Partitioners.DefaultPartitioner()
  readonly #metadata = new Map<string, PartitionMetadata[]>()
  readonly #begun = new Set<string>()
  /** Of sends that failed as a whole: what is in Kafka all the same. */
  readonly #stored = new WeakSet<Message>()

  /** For kafkajs' producer: its own choice, and we learn of each topic what only it is told. */
  readonly createPartitioner: ICustomPartitioner = () => (args) => {
    this.#metadata.set(args.topic, args.partitionMetadata)
    return this.#choose(args)
  }

  /**
   * Resolves when all are stored. After a failure the same records may be sent again: those that were stored
   * are left out.
   *
   * @param send one send of kafkajs' producer, to one partition.
   */
  async send(
    topic: string,
    records: readonly Message[],
    send: (messages: Message[]) => Promise<readonly RecordMetadata[]>,
  ): Promise<void> {
    const store = async (part: readonly Message[], partition?: number) => {
      const answers = await send(
        part.map((record) => (partition === undefined ? { ...record } : { ...record, partition })),
      )
      if (answers.length !== 1) {
        // kafkajs leaves out what its metadata doesn't know for the moment, and says nothing.
        throw new kafkajs.KafkaJSError(`Kafka has not answered for a partition of ${topic}`, {
          retriable: true,
        })
      }
      for (const record of part) this.#stored.add(record)
    }

    let left = records.filter((record) => !this.#stored.has(record))
    const [first] = left
    if (
      first !== undefined &&
      !this.#begun.has(topic) &&
      left.some((record) => record.partition === undefined)
    ) {
      // How many partitions there are is told with a send: one record goes ahead. Alone, until it is stored:
      // an idempotent send that is repeated must be the same, or its sequence numbers are out of order.
      await store([first])
      this.#begun.add(topic)
      left = left.slice(1)
    }
    const partitionMetadata = this.#metadata.get(topic) ?? []
    const parts = Map.groupBy(left, (message) => this.#choose({ topic, partitionMetadata, message }))
    // One after the other: what fails is one partition's, and the rest was not begun.
    for (const [partition, part] of parts) await store(part, partition)
    for (const record of records) this.#stored.delete(record)
  }
}
