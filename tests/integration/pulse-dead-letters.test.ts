import { expect, test } from 'vitest'
import { runPulse } from '../support/pulse.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const HOSTILE = '\u001b]0;owned\u0007'
const HOSTILE_C1 = '\u009b31m\u202e'

test('list and show tell what a dead letter is, and no byte of it reaches the terminal raw', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produceRecords([
    {
      partition: 0,
      key: HOSTILE,
      value: Buffer.from(`{"a": "${HOSTILE_C1}"`),
      headers: { [HOSTILE]: HOSTILE, plain: 'text' },
    },
    { partition: 0, key: null, value: null },
    {
      partition: 0,
      key: 'k',
      value: Buffer.from(JSON.stringify({ ...aLiveMessage(), amount: -1, currency: HOSTILE }, null, 2)),
    },
  ])
  await world.runOnce()
  const pulse = (...args: string[]) => runPulse(world.env, ['dead-letters', ...args])

  const list = await pulse('list')
  expect(list).toMatchObject({ code: 0, err: '' })
  const lines = list.out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  expect(lines[0]).toEqual(['id', 'since', 'code', 'origin', 'bytes', 'published', 'resolved', 'issues'])
  expect(lines.slice(1).map((line) => [line[2], line[3], line[5], line[6]])).toEqual([
    ['schema_violation', `${world.topic}:0:2`, 'yes', 'no'],
    ['schema_violation', `${world.topic}:0:1`, 'yes', 'no'],
    ['malformed_json', `${world.topic}:0:0`, 'yes', 'no'],
  ])
  const [broken, empty, first] = lines.slice(1).map((line) => line[0]!)

  const shown = await pulse('show', first!)
  expect(shown.out).toContain('Header plain: 4 bytes of text\n  text')
  expect(shown.out).toContain(String.raw`Header \u001b]0;owned\u0007: 10 bytes, not plain UTF-8 text`)
  expect(shown.out).toContain('00000000  1b 5d 30 3b 6f 77 6e 65 64 07                    .]0;owned.')
  const pretty = await pulse('show', broken!)
  expect(pretty.out).toContain('Issues     amount is -1; it must be more than 0\n           currency is')
  expect(pretty.out).toMatch(/Value: \d+ bytes of text\n {2}\{\n {4}"order_id": /)
  expect((await pulse('show', empty!)).out).toContain('Key: null\nValue: null')

  const json = await pulse('show', first!, '--json')
  expect(JSON.parse(json.out)).toMatchObject({
    code: 'malformed_json',
    offset: 0,
    key: { bytes: 10, base64: Buffer.from(HOSTILE).toString('base64'), text: null },
    headers: expect.arrayContaining([
      { key: 'plain', value: { bytes: 4, base64: 'dGV4dA==', text: 'text' } },
    ]),
  })
  const listed = await pulse('list', '--json', '--code', 'schema_violation', '--limit', '1')
  expect(JSON.parse(listed.out)).toMatchObject([{ code: 'schema_violation', offset: 2, redriveOf: null }])
  for (const { out } of [list, shown, pretty, json, listed])
    expect(out.replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\u202e]/u)
})

test('list is limited and filtered by time; what is not there is an error', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{', '[', '"'])
  await world.runOnce()
  await world.pool.query(
    `update audit.dead_letters set created_at = now() - interval '3 hours' where "offset" = 0`,
  )
  const offsets = async (...args: string[]) => {
    const { out } = await runPulse(world.env, ['dead-letters', 'list', '--json', ...args])
    return (JSON.parse(out) as { offset: number }[]).map(({ offset }) => offset)
  }
  expect(await offsets()).toEqual([2, 1, 0])
  expect(await offsets('--limit', '1')).toEqual([2])
  expect(await offsets('--since', '2h')).toEqual([2, 1])
  expect(await offsets('--since', new Date().toISOString())).toEqual([])
  const missing = await runPulse(world.env, ['dead-letters', 'show', '999'])
  expect(missing).toMatchObject({ code: 1, out: '', err: 'There is no dead letter 999.\n' })
})
