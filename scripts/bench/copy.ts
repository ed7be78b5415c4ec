import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Client } from 'pg'
import { from, to } from 'pg-copy-streams'

const COLUMNS = `transaction_timestamp, processed_at, order_id, source_offset, source_partition, incarnation,
  is_fraud_flagged, fraud_score, amount, tax_amount, total_amount, currency, customer_id, product_category,
  batch_id, fraud_reasons`

/** Saves the facts that the ETL loaded, in the order of their arrival, as COPY's text. */
export async function saveFacts(databaseUrl: string, file: string): Promise<void> {
  await connected(databaseUrl, async (client) => {
    const query = `copy (select ${COLUMNS} from warehouse.transactions order by id) to stdout`
    await pipeline(client.query(to(query)), createWriteStream(file))
  })
}

/**
 * The yardstick: one COPY of the same rows into the same table with its indexes, on one connection. It
 * claims no keys, keeps no rollup, no ledger and no watermark, and reads no Kafka.
 *
 * @returns seconds.
 */
export async function copyFacts(databaseUrl: string, file: string): Promise<number> {
  return connected(databaseUrl, async (client) => {
    await client.query('truncate warehouse.transactions')
    await client.query('checkpoint')
    const started = performance.now()
    await pipeline(
      createReadStream(file),
      client.query(from(`copy warehouse.transactions (${COLUMNS}) from stdin`)),
    )
    return (performance.now() - started) / 1000
  })
}

async function connected<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
