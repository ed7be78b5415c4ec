import type { Random } from '../../../../producer/random.ts'
import { versionsOf } from '../../../../tests/hostile/again.ts'
import type { Contract } from '../../../../tests/hostile/contract.ts'
import {
  OF_DAY,
  ofEventTime,
  ofFlag,
  ofText,
  ofWhole,
  ofWords,
} from '../../../../tests/hostile/field-traps.ts'
import { KAFKA_MS, quoted, rfc3339, text, type Fields } from '../../../../tests/hostile/message.ts'
import { trapsOf, type Trap } from '../../../../tests/hostile/traps.ts'
import { judge, rules, type Customer } from './oracle.ts'

const TIERS = ['standard', 'silver', 'gold']
const COUNTRIES = ['DE', 'FR', 'A', '😀é', '{}']

/** A customer who stays; of a version in the middle, so that older and newer ones can come. */
function validFields(random: Random, kafkaMs: number): Fields {
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(random.between(0, 3_600_000_000))
  return {
    customer_id: quoted(`c-${random.uint32().toString(36)}-${random.uint32().toString(36)}`),
    version: String(random.between(0, 9)),
    name: quoted(random.pick(['Ana', 'Øyvind', '明', "O'Neil", '\\N'])),
    tier: quoted(random.pick(TIERS)),
    country: quoted(random.pick(COUNTRIES)),
    since: quoted(`20${random.between(10, 25)}-0${random.between(1, 9)}-${random.between(10, 28)}`),
    ...(random.chance(0.5) ? { has_left: 'false' } : {}),
    timestamp: quoted(rfc3339(micros)),
  }
}

const LEAVES: Fields = { has_left: 'true' }
/** What stands in a record that deletes, and is not looked at. */
const GARBAGE: Fields = { name: '7', tier: '"none"', country: 'null', since: '"yesterday"', timestamp: '[]' }

function again({ customerId, version, says, micros }: Customer, random: Random) {
  const timestamp = rfc3339(micros)
  const { name, tier, country, since } = says ?? {
    name: 'Ana',
    tier: 'gold',
    country: 'DE',
    since: '2020-02-29',
  }
  const fields: Fields = {
    customer_id: quoted(customerId),
    version: String(version),
    name: quoted(name),
    tier: quoted(tier),
    country: quoted(country),
    since: quoted(since),
    timestamp: quoted(timestamp),
    ...(says === null ? LEAVES : {}),
  }
  const same = {
    'in the same words': {},
    'with another number of digits': { version: `${version}.0` },
    'in another zone': { timestamp: quoted(timestamp.replace('Z', '9+00:00')) },
  }
  const others: Record<string, Fields> = {
    'under another name': { name: quoted(name === 'other' ? 'others' : 'other'), has_left: 'false' },
    'of another tier': { tier: quoted(TIERS.find((one) => one !== tier)!), has_left: 'false' },
    'in another country': { country: country === 'DE' ? '"FR"' : '"DE"', has_left: 'false' },
    'since another day': { since: since === '2020-02-29' ? '"2020-02-28"' : '"2020-02-29"' },
    'a microsecond later': { timestamp: quoted(rfc3339(micros + 1n)) },
    'that deletes': LEAVES,
    'that deletes and says nothing right': { ...LEAVES, ...GARBAGE },
  }
  return versionsOf({ fields, version, first: 0 }, { same, others }, random)
}

const FIELDS = {
  customer_id: ofText(50),
  version: ofWhole(0, Number.MAX_SAFE_INTEGER),
  name: ofText(200),
  tier: ofWords(...TIERS),
  country: ofText(2),
  since: OF_DAY,
  has_left: ofFlag('true', 'false'),
  timestamp: ofEventTime(1_095),
}

const only = (fields: Fields, ...names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
const deletion = (
  name: string,
  expected: Trap['expected'],
  of: (fields: Fields) => Fields,
  kafkaMs = KAFKA_MS,
): Trap => ({
  name: `it deletes, ${name}`,
  expected,
  value: (fields) => Buffer.from(text({ ...of(fields), ...LEAVES })),
  kafkaMs,
})

/** Of a record that deletes nothing but key and version is looked at. */
const DELETIONS: readonly Trap[] = [
  deletion('and says key and version', 'loaded', (fields) => only(fields, 'customer_id', 'version')),
  deletion('and all else is wrong', 'loaded', (fields) => ({ ...fields, ...GARBAGE })),
  deletion('and its time is too old', 'loaded', (fields) => ({
    ...fields,
    timestamp: '"1970-01-01T00:00:00Z"',
  })),
  deletion('and Kafka’s time is none (−1)', 'loaded', (fields) => fields, -1),
  deletion('and Kafka’s time is 1970', 'loaded', (fields) => fields, 0),
  deletion('without a key', 'schema_violation', (fields) => only(fields, 'version')),
  deletion('without a version', 'schema_violation', (fields) => only(fields, 'customer_id')),
  deletion('with a version below 0', 'schema_violation', (fields) => ({ ...fields, version: '-1' })),
  deletion('with a key that is too long', 'schema_violation', (fields) => ({
    ...fields,
    customer_id: quoted('c'.repeat(51)),
  })),
]

export const contract: Contract<Customer> = {
  ...rules,
  validFields,
  judge,
  traps: [
    ...trapsOf(FIELDS, { field: 'tier', good: '"gold"', bad: '"-"', text: 'name' }, { has_left: 'loaded' }),
    ...DELETIONS,
  ],
  again,
  stored: `jsonb_build_array(t.customer_id, t.version::text, t.name, t.tier, t.country, t.since::text, t.has_left,
    (extract(epoch from t.changed_at) * 1000000)::int8::text,
    (extract(epoch from t.deleted_at) * 1000000)::int8::text)::text`,
  shown: ({ customerId, version, says, micros }) => {
    const { name, tier, country, since } = says ?? { name: null, tier: null, country: null, since: null }
    const [hasLeft, deletedAt] = says === null ? [null, String(micros)] : [false, null]
    const kept = [customerId, String(version), name, tier, country, since, hasLeft]
    return JSON.stringify([...kept, String(micros), deletedAt])
  },
}
