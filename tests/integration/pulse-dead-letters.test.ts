import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { openBackground } from '../support/background.ts'
import { runPulse } from '../support/pulse.ts'
import { aBrokenMessage, broken, issuesOf, mended, roles } from '../support/messages.ts'
import { aWorld } from '../support/world.ts'

const HOSTILE = '\u001b]0;owned\u0007'
const HOSTILE_C1 = '\u009b31m\u202e'

test('list and show tell what a dead letter is, and no byte of it reaches the terminal raw', async () => {
  const hostile = { ...aBrokenMessage(), [roles.another]: HOSTILE }
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
      value: Buffer.from(JSON.stringify(hostile, null, 2)),
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
  const [invalid, empty, first] = lines.slice(1).map((line) => line[0]!)

  const shown = await pulse('show', first!)
  expect(shown.out).toContain('Header plain: 4 bytes of text\n  text')
  expect(shown.out).toContain(String.raw`Header \u001b]0;owned\u0007: 10 bytes, not plain UTF-8 text`)
  expect(shown.out).toContain('00000000  1b 5d 30 3b 6f 77 6e 65 64 07                    .]0;owned.')
  const pretty = await pulse('show', invalid!)
  expect(pretty.out).toContain(`Issues     ${issuesOf(hostile)[0]}\n           ${roles.another} is`)
  expect(pretty.out).toMatch(
    new RegExp(`Value: \\d+ bytes of text\n {2}\\{\n {4}"${Object.keys(hostile)[0]}": `),
  )
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

/** A world with two that are no JSON and one with a wrong value, and a worker for what is asked for. */
async function aWorldToActOn({ worker = true } = {}) {
  const world = await aWorld({ partitions: 1 })
  const bad = aBrokenMessage()
  await world.produce(['{', '[', bad])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  if (worker) await openBackground(world)
  const pulse = (...args: string[]) => runPulse(world.env, ['dead-letters', ...args])
  const actions = async () =>
    (await world.pool.query('select * from audit.operator_actions order by id')).rows
  return { world, bad, pulse, actions, ids: (await world.deadLetters()).map(({ id }) => String(id)) }
}

async function aFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'value-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'corrected.json')
  await writeFile(file, text)
  return file
}

test('groups, a look before, and a bulk redrive that is waited for', async () => {
  const { world, pulse, actions } = await aWorldToActOn()
  expect((await pulse('groups')).out.split('\n').map((line) => line.split('\t').slice(0, 3))).toEqual([
    ['failure', 'count', 'waiting'],
    ['malformed_json', '2', '0'],
    [`schema_violation ${roles.other}`, '1', '0'],
    [''],
  ])

  const look = await pulse('redrive', '--code', 'malformed_json', '--dry-run')
  expect(look).toMatchObject({
    code: 0,
    err: '2 open dead letters; nothing was changed: it was a dry run.\n',
  })
  expect(look.out.trimEnd().split('\n')).toHaveLength(3)
  const looked = await pulse('dismiss', '--all', '--reason', 'x', '--dry-run', '--json')
  expect(JSON.parse(looked.out)).toMatchObject({
    count: 3,
    sample: [{ offset: 2 }, { offset: 1 }, { offset: 0 }],
  })

  const unasked = await pulse('redrive', '--code', 'malformed_json')
  expect(unasked).toMatchObject({ code: 2, out: '' })
  expect(unasked.err).toBe(
    '2 open dead letters will be sent again:\n  2  malformed_json\nNobody can be asked here: add --yes to do it.\n',
  )
  expect(await actions()).toEqual([])

  const done = await pulse('redrive', '--failure', 'malformed_json', '--yes', '--reason', 'INC-42')
  expect(done).toMatchObject({ code: 0 })
  expect(done.out).toMatch(/^Action 1: 2 records sent again\.\nThe next run finds out/)
  expect(await actions()).toMatchObject([
    { status: 'succeeded', reason: 'INC-42', requested_by: userInfo().username, via: 'pulse' },
  ])
  const list = await pulse('list', '--failure', 'malformed_json')
  expect(list.out.split('\n').map((line) => line.split('\t')[6])).toEqual([
    'resolved',
    'sent again',
    'sent again',
    undefined,
  ])

  await world.runOnce()
  const again = await pulse('redrive', '--code', 'malformed_json', '--yes', '--json')
  expect(JSON.parse(again.out)).toMatchObject({
    status: 'succeeded',
    total: 4,
    result: { sent: 2, skipped: { later_attempt: 2 } },
  })
})

test('one is corrected from a file or from standard input, and its story can be read', async () => {
  const { world, bad, pulse, ids, actions } = await aWorldToActOn()
  const corrected = JSON.stringify(mended(bad))
  const wrong = await aFile(JSON.stringify({ ...bad, ...broken(2) }))
  const first = await pulse('redrive', ids[2]!, '--value-file', wrong, '--yes', '--by', 'Ada')
  expect(first.out).toContain('1 record sent again')
  await world.runOnce()

  const attempt = (await world.deadLetters()).at(-1)!
  const program = spawn(
    process.execPath,
    ['scripts/pulse.ts', 'dead-letters', 'redrive', String(attempt.id), '--value-file', '-', '--yes'],
    { env: { PATH: process.env['PATH'], ...world.env }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  program.stdin.end(corrected)
  const [out, [code]] = await Promise.all([buffer(program.stdout), once(program, 'close')])
  expect([code, String(out)]).toEqual([0, expect.stringContaining('Action 2: 1 record sent again')])
  expect(await world.runOnce()).toMatchObject({ loaded: 1 })

  expect(await actions()).toMatchObject([{ requested_by: 'Ada' }, { payload: Buffer.from(corrected) }])
  const { out: shown } = await pulse('show', ids[2]!)
  expect(shown).toContain('Attempts   1 failed again\n')
  expect(shown).toContain(`Resolved   ${new Date().toISOString().slice(0, 10)}`)
  expect(shown).toMatch(new RegExp(`Attempt    ${attempt.id}, .*: loaded in ${world.topic}:0:4-4`))
  expect(shown).toMatch(/Action {5}1, .*: redrive by Ada, succeeded/)
  expect((await pulse('list', '--state', 'resolved')).out.trimEnd().split('\n')).toHaveLength(3)
})

test('a dismissal needs a reason, and says what it did', async () => {
  const { world, pulse, ids } = await aWorldToActOn()
  expect(await pulse('dismiss', ids[0]!, '--yes')).toMatchObject({ code: 2 })
  expect(await pulse('dismiss', ids[0]!, '--yes', '--reason', ' ')).toMatchObject({
    code: 2,
    err: '--reason is empty: say why, for whoever reads it in a year.\n',
  })
  const done = await pulse('dismiss', ids[0]!, ids[1]!, '--yes', '--reason', 'INC-42')
  expect(done).toMatchObject({ code: 0, out: 'Action 1: 2 dead letters dismissed.\n' })
  expect((await world.deadLetters()).map(({ resolution }) => resolution)).toEqual([
    'dismissed: INC-42',
    'dismissed: INC-42',
    null,
  ])
})

test('wrong use is told by the exit code, and the sentence says what is wrong', async () => {
  const { pulse, actions } = await aWorldToActOn({ worker: false })
  const cases: [string[], number, string][] = [
    [['redrive', '--yes'], 2, 'Say which dead letters'],
    [['redrive', '--all', '--since', '2h', '--yes'], 2, '--all takes neither'],
    [['redrive', '1', '--text', ' ', '--yes'], 2, '--text: '],
    [['redrive', '--code', 'malformed_json', '--value-file', 'x', '--yes'], 2, 'exactly one dead letter'],
    [['redrive', '1', '--value-file', '/nowhere/at/all', '--yes'], 1, 'The value could not be read'],
    [['redrive', '1', '--value-file', '-'], 2, 'add --yes'],
    [['redrive', '999', '--yes'], 1, 'There is no dead letter 999.'],
    [['redrive', '--partition', '7', '--yes'], 1, 'nothing to do'],
    [['redrive', '1', '--by', ' ', '--yes'], 2, '--by is empty'],
  ]
  for (const [args, code, sentence] of cases) {
    const outcome = await pulse(...args)
    expect([args, outcome]).toEqual([args, { code, out: '', err: expect.stringContaining(sentence) }])
  }
  expect(await actions()).toEqual([])
})

test('without a worker it says that it waits, ends after its time, and leaves the action there', async () => {
  const { pulse, actions } = await aWorldToActOn({ worker: false })
  const asked = await pulse('redrive', '--all', '--yes', '--no-wait')
  expect(asked).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Action 1 .* waits for a worker/) as string,
  })

  const waited = await pulse('redrive', '--all', '--yes', '--timeout', '11')
  expect(waited).toMatchObject({ code: 1, out: '' })
  expect(waited.err).toMatch(
    /^Action 2 is waiting for a worker\..*\nAction 2 \(redrive\) is pending, 0 of 3 after 11 s/,
  )
  expect(await actions()).toMatchObject([{ status: 'pending' }, { status: 'pending' }])
})
