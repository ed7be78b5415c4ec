/**
 * What a failed load calls for. Nothing is dead-lettered unless the error says that the data is to blame.
 *
 * - `retry`: again at once · `reconnect`: again on another connection · `wait`: again after a while
 * - `smaller`: halve the batch, blame nobody · `poison`: halve until the record is found
 * - `operator`: only a person can help; the run fails · `unknown`: again, then the run fails
 */
export type Remedy = 'retry' | 'reconnect' | 'wait' | 'smaller' | 'poison' | 'operator' | 'unknown'

interface Rule {
  readonly remedy: Remedy
  /** A whole SQLSTATE or its class (first two characters), from Postgres' appendix A. */
  readonly sqlstate: string
  readonly when?: (error: PostgresError, isOfFacts: IsOfFacts) => boolean
}

interface PostgresError extends Error {
  readonly code?: string
  readonly constraint?: string
  readonly table?: string
}

/** Whether what a record says goes into this table; the record is to blame for what it refuses. */
export type IsOfFacts = (table: string) => boolean

/** The first that fits counts, so whole codes stand before their class. */
export const RULES: readonly Rule[] = [
  { sqlstate: '40001', remedy: 'retry' }, // serialization failure
  { sqlstate: '40P01', remedy: 'retry' }, // deadlock
  { sqlstate: '55P03', remedy: 'retry' }, // lock not available in time
  { sqlstate: '08', remedy: 'reconnect' },
  { sqlstate: '57P01', remedy: 'reconnect' }, // shut down by an administrator
  { sqlstate: '57P02', remedy: 'reconnect' }, // crash shutdown
  { sqlstate: '57P03', remedy: 'reconnect' }, // cannot connect now
  { sqlstate: '57P05', remedy: 'reconnect' }, // idle session timeout
  { sqlstate: '25P03', remedy: 'reconnect' }, // idle in transaction
  { sqlstate: '25P04', remedy: 'reconnect' }, // transaction timeout
  { sqlstate: '25006', remedy: 'reconnect' }, // read-only: a failover left us on the standby
  { sqlstate: '0A000', remedy: 'reconnect' }, // a cached plan is of an older schema
  { sqlstate: '57014', remedy: 'smaller' }, // statement timeout
  { sqlstate: '53200', remedy: 'smaller' }, // out of memory, or of room for locks: of one record the run fails, and the next one tries
  { sqlstate: '53', remedy: 'wait' }, // disk full, out of memory, too many connections
  { sqlstate: '58', remedy: 'wait' }, // I/O error
  { sqlstate: '22', remedy: 'poison' },
  { sqlstate: '21000', remedy: 'poison' },
  { sqlstate: '54', remedy: 'poison' }, // a limit that the data reached
  // No partition of the relation for the row: class 23, but no constraint is named.
  { sqlstate: '23514', remedy: 'operator', when: (error) => error.constraint === undefined },
  // Who has claimed an identity is looked up, so another has come between.
  { sqlstate: '23505', remedy: 'retry', when: (error, isOfFacts) => isOfFacts(error.table ?? '') },
  { sqlstate: '23', remedy: 'poison', when: (error, isOfFacts) => isOfFacts(error.table ?? '') },
  { sqlstate: '23', remedy: 'operator' }, // our own ledger
  { sqlstate: '42', remedy: 'operator' },
  { sqlstate: '28', remedy: 'operator' },
  { sqlstate: '3D', remedy: 'operator' },
  { sqlstate: 'XX', remedy: 'operator' },
]

/** What pg and Node say, without a SQLSTATE, of a connection that is gone. */
const CONNECTION_LOST =
  /Connection terminated|connection timeout|timeout expired|timeout exceeded|Query read timeout|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|not queryable/

/** @param isOfFacts none unless told: then no record is blamed for a constraint. */
export function remedyFor(error: unknown, isOfFacts: IsOfFacts = () => false): Remedy {
  if (!(error instanceof Error)) return 'unknown'
  // Too large for a string or a buffer in this process, before Postgres saw anything.
  if (error instanceof RangeError) return 'smaller'
  const { code } = error as PostgresError
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) {
    const rule = RULES.find(
      ({ sqlstate, when }) =>
        (code === sqlstate || (sqlstate.length === 2 && code.startsWith(sqlstate))) &&
        (when?.(error, isOfFacts) ?? true),
    )
    if (rule !== undefined) return rule.remedy
  }
  return CONNECTION_LOST.test(`${code ?? ''} ${error.message}`) ? 'reconnect' : 'unknown'
}
