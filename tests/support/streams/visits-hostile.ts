import type { Random } from '../../../producer/random.ts'
import type { Contract } from '../../hostile/contract.ts'
import { quoted, rfc3339, text, type Fields } from '../../hostile/message.ts'
import { list, OF_MONEY, ofEventTime, ofText, optional, type FieldTraps } from '../../hostile/field-traps.ts'
import { trapsOf } from '../../hostile/traps.ts'
import { judge, type Visit } from './visits-oracle.ts'

const KINDS = ['view', 'search', 'purchase']
const PAGES = ['/', '/cart', '/søk?q=1', '/カート', '/🛒', 'NULL', '{a,b}']
const TAGS = ['new', 'a b', '"', '\\', ',', '{}', 'NULL', 'null', '🎁', "'"]

/** A visit that keeps the contract, with and without what may be missing. */
function validFields(random: Random, kafkaMs: number): Fields {
  const micros = BigInt(kafkaMs) * 1_000n - BigInt(random.between(0, 3_600_000_000))
  const may = (fields: Fields): Fields => (random.chance(0.7) ? fields : {})
  return {
    session: quoted(`s-${random.uint32().toString(36)}-${random.uint32().toString(36)}`),
    page: quoted(random.pick(PAGES)),
    at: quoted(rfc3339(micros)),
    kind: quoted(random.pick(KINDS)),
    ...may({ seconds: random.chance(0.1) ? 'null' : String(random.between(0, 86_400)) }),
    ...may({ note: quoted(`note ${random.between(0, 99)}`) }),
    ...may({ basket: (random.between(1, 300_000) / 100).toFixed(2) }),
    ...may({ is_new: String(random.chance(0.5)) }),
    tags: JSON.stringify(Array.from({ length: random.between(0, 3) }, () => random.pick(TAGS))),
  }
}

const says = ([, json]: [string, string]) => json !== 'null' && json !== 'false'

/** A visit once more. Of the three that are its identity only the time is changed, which makes it another one. */
function again(visit: Visit, random: Random): { name: string; value: Buffer } {
  const at = rfc3339(visit.micros)
  const fields: Fields = {
    session: quoted(visit.session),
    page: quoted(visit.page),
    at: quoted(at),
    kind: quoted(visit.kind),
    seconds: String(visit.seconds),
    note: JSON.stringify(visit.note),
    basket: String(visit.basket),
    is_new: String(visit.isNew),
    tags: JSON.stringify(visit.tags),
  }
  const changes: Record<string, Fields> = {
    'in the same words': fields,
    'without what is null or the default': Object.fromEntries(Object.entries(fields).filter(says)),
    'in another zone, with more digits': {
      ...fields,
      at: quoted(at.replace('Z', '9+00:00')),
      seconds: visit.seconds === null ? 'null' : `${visit.seconds}.0`,
    },
    'a microsecond later': { ...fields, at: quoted(rfc3339(visit.micros + 1n)) },
    'of another kind': { ...fields, kind: quoted(KINDS.find((kind) => kind !== visit.kind)!) },
    'with other seconds, or none': { ...fields, seconds: visit.seconds === null ? '0' : 'null' },
    'with another note': { ...fields, note: quoted(visit.note === 'other' ? 'others' : 'other') },
    'with another basket': { ...fields, basket: visit.basket === '1.00' ? '1.01' : '1' },
    'new or not': { ...fields, is_new: String(!visit.isNew) },
    'with a tag more': { ...fields, tags: JSON.stringify([...visit.tags, 'more']) },
  }
  const name = random.pick(Object.keys(changes))
  return { name, value: Buffer.from(text(changes[name]!)) }
}

const FIELDS: Readonly<Record<string, FieldTraps>> = {
  session: ofText(40),
  page: ofText(200),
  at: ofEventTime(1_095),
  kind: {
    loaded: list(String.raw`"view"  "search"  "purchase"  "\u0076iew"`),
    schema_violation: list(String.raw`"View"  "VIEW"  "views"  "vie"  ""  " view"  "view\n"  "view\u0000"
      "constructor"  "toString"  "0"  0  null  true  []  {}  ["view"]`),
    malformed_json: list(`view  'view'`),
  },
  seconds: {
    loaded: list('0  -0  0.0  86400  86400.0  8.64e4  1e0  1E1  86400.0000000000001  null'),
    schema_violation: list(`-1  86401  0.5  1e-1  86400.5  1e400  -1e400  9007199254740993  5e-324
      "17"  ""  true  []  {}  [1]`),
    malformed_json: list('01  .5  +5  NaN  1_0'),
  },
  note: {
    loaded: ['a', ' ', 'x'.repeat(20), '😀'.repeat(20), 'NULL', '\u0001', '{"a"}', 'null']
      .map(quoted)
      .concat('null'),
    schema_violation: [
      ...['', 'x'.repeat(21), '😀'.repeat(21), 'a\0b'].map(quoted),
      ...list(String.raw`"\ud800"  7  true  []  {}  ["a"]`),
    ],
    malformed_json: ['"\t"', "'a'"],
  },
  basket: optional(OF_MONEY),
  is_new: {
    loaded: ['true', 'false'],
    schema_violation: list('null  0  1  "true"  ""  []  {}  [true]'),
    malformed_json: list('True  TRUE  tru  yes'),
  },
  tags: {
    loaded: [
      ...list(
        String.raw`[]  ["a"]  ["a","a"]  [ "a" , "b" ]  ["NULL"]  ["null"]  ["\""]  ["\\"]  ["{}"]  [","]`,
      ),
      ...list(String.raw`["{\"a\"}"]  [" "]  ["\n"]  ["\u0001"]  ["a","\\,","b\"c"]  ["\ud83d\ude00"]`),
      JSON.stringify(['😀'.repeat(9)]),
      JSON.stringify(Array<string>(100_000).fill('tag')),
    ],
    schema_violation: [
      ...list(String.raw`[""]  ["1234567890"]  ["a",null]  [1]  [["a"]]  [{}]  ["\u0000"]  ["\ud800"]`),
      ...list('{}  {"0":"a","length":1}  "a"  ""  "{a}"  null  true  7'),
    ],
    malformed_json: list('["a",]  ["a"  [,]  ["a" "b"]'),
  },
}

const MAY_BE_MISSING = { seconds: 'loaded', note: 'loaded', basket: 'loaded', is_new: 'loaded' } as const
const ABOUT = { field: 'kind', good: '"view"', bad: '"-"', text: 'session' }

export const contract: Contract<Visit> = {
  validFields,
  judge,
  traps: trapsOf(FIELDS, ABOUT, MAY_BE_MISSING),
  identityOf: ({ session, page, micros }) => [session, page, micros].join('\0'),
  again,
  stored: `json_build_array(t.session, t.page, (extract(epoch from t.visited_at) * 1000000)::int8::text, t.kind,
    t.seconds, t.note, t.basket::text, t.is_new, to_json(t.tags))::text`,
  shown: ({ session, page, micros, kind, seconds, note, basket, isNew, tags }) =>
    JSON.stringify([session, page, String(micros), kind, seconds, note, basket, isNew, tags]),
}
