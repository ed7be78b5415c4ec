import { afterAll, beforeAll, expect, test } from 'vitest'
import { alertRules, askAlert, stateOf } from '../../../../tests/support/grafana-alert-answers.ts'
import { alertResultProblems } from '../../../../tests/support/grafana-results.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'

let world: World
beforeAll(async () => {
  world = await aWorld({ withoutTopics: true })
})
afterAll(() => world?.cleanUp())

const rule = alertRules().get('PulseFraudRateHigh')!

const sales = (transactions: number, flagged: number, minutesAgo = 3) => [
  `insert into warehouse.sales_by_minute (minute, source_partition, currency, product_category, transactions, flagged)
   values (date_trunc('minute', now()) - interval '${minutesAgo} minutes', 0, 'EUR', 'books', ${transactions}, ${flagged})`,
]

test.for<[situation: string, happened: string[], state: 'fires' | 'quiet' | 'no data']>([
  ['nothing was sold', [], 'no data'],
  ['9 % are flagged', sales(100, 9), 'quiet'],
  ['11 % are flagged', sales(100, 11), 'fires'],
  ['too few to tell', sales(10, 9), 'no data'],
  ['that was an hour ago', sales(100, 50, 60), 'no data'],
])('PulseFraudRateHigh when %s', async ([, happened, expected]) => {
  const result = await askAlert(world, rule, happened)
  expect(alertResultProblems(result)).toEqual([])
  expect(stateOf(rule, result)).toBe(expected)
})

test('it names only labels that its query has', async () => {
  const { columns } = await askAlert(world, rule, [])
  const named = Object.values(rule.annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)])
  const labels = columns.filter(({ kind }) => kind === 'text').map(({ name }) => name)
  expect(labels).toEqual(expect.arrayContaining(named.map(([, name]) => name)))
})
