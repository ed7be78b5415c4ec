import { expect, test } from 'vitest'
import { charts } from '../../etl/console/overview/graphics.ts'
import { ago, instant, money, percent, rate, until } from '../../etl/console/format.ts'
import { html } from '../../etl/console/html.ts'
import { barsOf, gantt } from '../../etl/console/runs/run.ts'
import { link, olderNewer } from '../../etl/console/links.ts'
import { table } from '../../etl/console/table.ts'
import type { Batch } from '../../etl/status/runs.ts'

const EVIL = '</script><script>alert(1)</script>'

test.each([
  ['0.01', '0.01'],
  ['1234.50', '1,234.50'],
  ['-1234567.80', '-1,234,567.80'],
  ['99999999999999999999.99', '99,999,999,999,999,999,999.99'],
  ['1000', '1,000'],
])('money is decimal text: %s', (amount, shown) => {
  expect(money(amount)).toBe(shown)
})

test.each([
  [0, '0'],
  [0.25, '0.25'],
  [3.44, '3.4'],
  [119.7, '120'],
  [12_000, '12,000'],
])('a rate of %d', (perSecond, shown) => {
  expect(rate(perSecond)).toBe(shown)
})

test('a share of nothing is not a number', () => {
  expect([percent(1, 3), percent(0, 0)]).toEqual(['33.3 %', '–'])
})

test('times are UTC, and machines can read them', () => {
  const at = new Date('2026-01-02T03:04:05.678Z')
  expect(instant(at).toString()).toContain('<time datetime="2026-01-02T03:04:05.678Z">2026-01-02 03:04:05')
  expect(ago(new Date(Date.now() - 90_000)).toString()).toMatch(/>1 min 30 s ago</)
  expect(until(new Date(Date.now() - 1)).toString()).toContain('>now<')
})

test('a link leaves out what is not set, and escapes the rest', () => {
  expect(link('/runs', { status: undefined, worker: '' })).toBe('/runs')
  expect(link('/runs', { worker: 'a&b=c', before: 7 })).toBe('/runs?worker=a%26b%3Dc&before=7')
})

test('paging: nothing for a single page, the filter kept for others', () => {
  expect(olderNewer('/runs', {}, false, null).toString()).toBe('')
  const shown = olderNewer('/runs', { status: 'failed' }, true, 7).toString()
  expect(shown).toContain('href="/runs?status=failed"')
  expect(shown).toContain('href="/runs?status=failed&amp;before=7"')
})

test('a table names its rows and columns, and escapes what it shows', () => {
  const columns = [
    { heading: 'Name', of: (row: { name: string }) => row.name },
    { heading: 'Count', of: () => 12_000 },
    { heading: 'Nothing', of: () => null },
  ]
  const shown = table([{ name: EVIL }], columns, { caption: 'Things', none: 'None.' }).toString()
  expect(shown).toContain('<caption')
  expect(shown.match(/scope="col"/g)).toHaveLength(3)
  expect(shown.match(/scope="row"/g)).toHaveLength(1)
  expect(shown).toContain('12,000')
  expect(shown).not.toContain('<script>')
  expect(table([], columns, { caption: 'Things', none: html`<b>None.</b>` }).toString()).toContain(
    '<b>None.</b>',
  )
})

test('charts have their data for the script, which no text in them can leave, and a table with the same', () => {
  const series = [{ label: EVIL, color: 'good', shape: 'line', values: [0, 1234, null] }] as const
  const shown = charts([0, 60, 120], [{ id: 'c', title: 'Loaded', unit: 'records', series }]).toString()
  const data = /<script type="application\/json">(.*?)<\/script>/s.exec(shown)![1]!
  expect(JSON.parse(data)).toEqual({ times: [0, 60, 120], series })
  expect(shown.match(/<\/script>/g)).toHaveLength(1)
  expect(shown).toContain('1,234')
  // Times at which nothing happened are left out.
  expect([...shown.matchAll(/1970-01-01 00:0\d/g)].map(([time]) => time)).toEqual(['1970-01-01 00:01'])
})

const aBatch = (overrides: Partial<Batch> = {}): Batch => ({
  batchId: 'transactions:0:0-9',
  partition: 0,
  from: 0,
  to: 10,
  consumed: 10,
  loaded: 10,
  duplicate: 0,
  skipped: 0,
  deadLettered: 0,
  bytes: 100,
  extractMs: 10,
  validateMs: 20,
  transformMs: 0,
  loadMs: 70,
  loadedAt: new Date(100_000),
  ...overrides,
})

test('stages follow each other, and the last ends when the batch was loaded', () => {
  expect(barsOf(aBatch())).toEqual([
    { stage: 'extract', from: 99_900, to: 99_910 },
    { stage: 'validate', from: 99_910, to: 99_930 },
    { stage: 'transform', from: 99_930, to: 99_930 },
    { stage: 'load', from: 99_930, to: 100_000 },
  ])
})

test('the strip has a lane for each partition, on one axis of time, and no inline style', () => {
  const second = aBatch({ partition: 1, batchId: 'transactions:1:0-9', loadedAt: new Date(100_100) })
  const shown = gantt([second, aBatch()]).toString()
  expect(shown.match(/class="lane"/g)).toHaveLength(2)
  expect(shown.indexOf('Partition 0')).toBeLessThan(shown.indexOf('Partition 1'))
  expect(shown).toContain(
    '<title>transactions:1:0-9: extract 10 ms, validate 20 ms, transform 0 ms, load 70 ms</title>',
  )
  expect(shown).toMatch(/class="load"\s+x="650.00"\s+y="2"\s+width="350.00"/) // of 200 ms
  expect(shown).not.toContain('style=')
  expect(gantt([]).toString()).toBe('')
})
