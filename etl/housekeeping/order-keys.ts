import type { Pool } from 'pg'
import { commit, inTransaction } from '../postgres/transaction.ts'

/**
 * Deletes the keys of orders that are older than `days` and whose facts were dropped, stretch by stretch
 * of the table, each in a transaction of its own. What a load claims meanwhile is young and stays.
 *
 * @param goOn throws where it is to end here; the rest goes another time.
 * @param days of `keyAgeDays`, which says why no order is loaded twice.
 * @returns how many.
 */
export async function dropOrderKeys(pool: Pool, days: number, goOn: () => void): Promise<number> {
  let dropped = 0
  for (let page: number | null = 0; page !== null;) {
    goOn()
    const stretch: Stretch = await dropStretch(pool, days, page)
    dropped += stretch.deleted
    page = stretch.next_page
  }
  return dropped
}

interface Stretch {
  readonly deleted: number
  readonly next_page: number | null
}

function dropStretch(pool: Pool, days: number, fromPage: number): Promise<Stretch> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Stretch>('select * from warehouse.drop_order_keys($1, $2)', [
      days,
      fromPage,
    ])
    return commit(rows[0]!)
  })
}
