import type { Rules, Verdict } from '../../../../tests/hostile/contract.ts'
import {
  day,
  flag,
  instant,
  isInTime,
  isRead,
  objectIn,
  oneOf,
  text,
  whole,
} from '../../../../tests/hostile/readings.ts'

/** A version of a customer as docs/streams/customers.md says that the warehouse has it. */
export interface Customer {
  readonly customerId: string
  readonly version: number
  /** null where it deletes: then nothing else is kept. */
  readonly says: Readonly<Record<'name' | 'tier' | 'country' | 'since', string>> | null
  /** Microseconds since 1970; of a deletion Kafka's time of its record. */
  readonly micros: bigint
}

/** What must become of a record by its bytes alone: that page as a second one reads it. */
export function judge(value: Buffer | null, kafkaMs: number): Verdict<Customer> {
  const said = objectIn(value)
  if (typeof said === 'string') return { code: said }
  const identity = {
    customerId: text(50)(said['customer_id']),
    version: whole(0, Number.MAX_SAFE_INTEGER)(said['version']),
  }
  const hasLeft = said['has_left'] === undefined ? false : flag(said['has_left'])
  // Of a record that deletes nothing but key and version is looked at, its time neither.
  if (hasLeft === true)
    return isRead(identity)
      ? { fact: { ...identity, says: null, micros: BigInt(kafkaMs) * 1_000n } }
      : { code: 'schema_violation' }
  const says = {
    name: text(200)(said['name']),
    tier: oneOf('standard', 'silver', 'gold')(said['tier']),
    country: text(2)(said['country']),
    since: day(said['since']),
  }
  const time = { hasLeft, micros: instant(said['timestamp']) }
  if (!isRead(identity) || !isRead(says) || !isRead(time)) return { code: 'schema_violation' }
  return isInTime(time.micros, kafkaMs, 1_095)
    ? { fact: { ...identity, says, micros: time.micros } }
    : { code: 'timestamp_out_of_range' }
}

/** The highest version of a customer_id counts, whatever came when; a deletion counts as one, too. */
export const rules: Rules<Customer> = {
  identityOf: ({ customerId, version }) => `${version} ${customerId}`,
  // Two deletions of one version say the same, whenever they came.
  comparedOf: ({ says, micros }) => (says === null ? 'deleted' : JSON.stringify([says, String(micros)])),
  versions: {
    keyOf: ({ customerId }) => customerId,
    versionOf: ({ version }) => version,
    isDeletion: ({ says }) => says === null,
  },
}
