import { expect, test } from 'vitest'
import { remedyFor, RULES, type Remedy } from '../../etl/postgres/errors.ts'
import { parcels } from '../support/a-parcel.ts'

/** Codes of Postgres' appendix A, one at least for each row of the table; what a message has to say of them. */
const CASES: [what: string, code: string, fields: object, remedy: Remedy][] = [
  ['a serialization failure', '40001', {}, 'retry'],
  ['a deadlock', '40P01', {}, 'retry'],
  ['a lock that was not to be had in time', '55P03', {}, 'retry'],
  ['a connection exception', '08000', {}, 'reconnect'],
  ['a connection failure', '08006', {}, 'reconnect'],
  ['a shutdown by an administrator', '57P01', {}, 'reconnect'],
  ['a shutdown after a crash', '57P02', {}, 'reconnect'],
  ['a server that starts up', '57P03', {}, 'reconnect'],
  ['a session that was idle too long', '57P05', {}, 'reconnect'],
  ['a transaction that was idle too long', '25P03', {}, 'reconnect'],
  ['a transaction that took too long', '25P04', {}, 'reconnect'],
  ['a server that is read-only after a failover', '25006', {}, 'reconnect'],
  ['a plan of an older schema', '0A000', {}, 'reconnect'],
  ['a statement that took too long', '57014', {}, 'smaller'],
  ['no room for more locks', '53200', {}, 'smaller'],
  ['a full disk', '53100', {}, 'wait'],
  ['too many connections', '53300', {}, 'wait'],
  ['an I/O error', '58030', {}, 'wait'],
  ['a number out of range', '22003', {}, 'poison'],
  ['a character that is not in the repertoire', '22021', {}, 'poison'],
  ['a cardinality violation', '21000', {}, 'poison'],
  ['a row that is too dear', '54000', {}, 'poison'],
  ['a row without a partition', '23514', { table: 'parcels' }, 'operator'],
  ['a check on the facts', '23514', { table: 'parcels_2026_11', constraint: 'c' }, 'poison'],
  ['a null in the facts', '23502', { table: 'parcels' }, 'poison'],
  ['a second key', '23505', { table: 'parcel_keys', constraint: 'parcel_keys_pkey' }, 'retry'],
  ['a batch that is in the ledger', '23505', { table: 'pipeline_batches', constraint: 'p' }, 'operator'],
  ['a batch that does not balance', '23514', { table: 'pipeline_batches', constraint: 'b' }, 'operator'],
  ['a dead letter that is there', '23505', { table: 'dead_letters', constraint: 'd' }, 'operator'],
  ['a table whose name only begins alike', '23514', { table: 'parcels_old', constraint: 'c' }, 'operator'],
  ['a table that is missing', '42P01', {}, 'operator'],
  ['a right that is missing', '42501', {}, 'operator'],
  ['a wrong password', '28P01', {}, 'operator'],
  ['a database that is missing', '3D000', {}, 'operator'],
  ['a corrupted index', 'XX002', {}, 'operator'],
  ['a code that is not listed', '25P02', {}, 'unknown'],
  ['a code of a class that is not listed', '2F000', {}, 'unknown'],
]

const { isOfFacts } = parcels

const postgresError = (code: string, fields: object) =>
  Object.assign(new Error('as Postgres says'), { severity: 'ERROR', code, ...fields })

test.for(CASES)('%s (%s) calls for the remedy of its row', ([, code, fields, remedy]) => {
  expect(remedyFor(postgresError(code, fields), isOfFacts)).toBe(remedy)
})

test('no row of the table is without a case here, and each decides one', () => {
  const deciding = new Set(
    CASES.map(([, code, fields]) =>
      RULES.find(
        ({ sqlstate, when }) =>
          (sqlstate.length === 5 ? code === sqlstate : code.startsWith(sqlstate)) &&
          (when === undefined || when(postgresError(code, fields), isOfFacts)),
      ),
    ),
  )
  expect(RULES.filter((rule) => !deciding.has(rule))).toEqual([])
})

test.for([
  ['Connection terminated unexpectedly', {}],
  ['Connection terminated due to connection timeout', {}],
  ['timeout exceeded when trying to connect', {}],
  ['Query read timeout', {}],
  ['read ECONNRESET', { code: 'ECONNRESET' }],
  ['connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }],
  ['write EPIPE', { code: 'EPIPE' }],
  ['connect EHOSTUNREACH 10.0.0.1:5432', { code: 'EHOSTUNREACH' }],
  ['getaddrinfo ENOTFOUND postgres', { code: 'ENOTFOUND' }],
  ['getaddrinfo EAI_AGAIN postgres', { code: 'EAI_AGAIN' }],
  ['Client has encountered a connection error and is not queryable', {}],
] as const)('“%s” is a lost connection', ([message, fields]) => {
  expect(remedyFor(Object.assign(new Error(message), fields))).toBe('reconnect')
})

test('what does not fit into this process makes the batch smaller and blames nobody', () => {
  expect(remedyFor(new RangeError('Invalid string length'))).toBe('smaller')
})

test.for([
  ['an error without a code', new TypeError('x is not a function')],
  ['no error at all', 'refused'],
])('%s is not known, so never dead-lettered', ([, error]) => {
  expect(remedyFor(error)).toBe('unknown')
})
