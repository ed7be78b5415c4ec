import { expect, test } from 'vitest'
import type { LaterRule } from '../../etl/stream/later-rules.ts'
import { compileContract } from '../../etl/stream/contract.ts'
import type { Row } from '../../etl/stream/field.ts'
import { aParcelMessage, aParcelRecord, parcels } from '../support/a-parcel.ts'
import { KAFKA_TIME } from '../support/messages.ts'

const RULE: LaterRule<Row> = {
  since: new Date(KAFKA_TIME),
  field: 'fee',
  accepts: ({ currency, fee }) => currency !== 'JPY' || (fee as number) % 100 === 0,
  accepted: 'a whole number of yen',
}
const outcome = (changes: object, timestamp = KAFKA_TIME, rules = [RULE]) =>
  compileContract({ ...parcels.definition, laterRules: rules })(
    aParcelRecord(aParcelMessage({ ...changes }), { timestamp }),
    1_095,
  )

const YEN = { currency: 'JPY', fee: 12.5 }
const ISSUE = { field: 'fee', message: 'fee is 12.5; it must be a whole number of yen' }

test('a record that breaks a later rule becomes a dead letter that says what is accepted', () => {
  expect(outcome(YEN)).toMatchObject({ code: 'schema_violation', issues: [ISSUE] })
})

test.for([{ currency: 'JPY', fee: 12 }, { fee: 12.5 }])('%j keeps it', (message) => {
  expect(outcome(message)).toHaveProperty('row')
})

test('a record that Kafka stored before the rule is not held against it', () => {
  expect(outcome(YEN, KAFKA_TIME - 1)).toHaveProperty('row')
})

test('every rule that is broken is an issue, and the age too', () => {
  const other: LaterRule<Row> = { ...RULE, field: 'currency', accepts: () => false, accepted: 'another' }
  const issues = ['fee', 'currency', 'weighed'].map((field) => ({ field }))
  expect(outcome({ ...YEN, weighed: '2019-01-01T00:00:00Z' }, KAFKA_TIME, [RULE, other])).toMatchObject({
    issues,
  })
})

test('a rule whose beginning is no date counts for every record, rather than for none', () => {
  const rule = { ...RULE, since: new Date('soon') }
  expect(outcome(YEN, 0, [rule])).toMatchObject({ code: 'schema_violation' })
})
