import { expect, test } from 'vitest'
import { aCall, aGrownWorld } from '../support/calls.ts'
import { deleteRecordsBefore } from '../support/kafka.ts'
import { runPulse } from '../support/pulse.ts'

test('a field that was declared later is filled by a worker that runs, and the proof says what is left to fill', async () => {
  const world = await aGrownWorld([aCall(), aCall({ agent: undefined }), aCall()])
  const pulse = (...args: string[]) => runPulse(world.env, args)
  const etl = world.startEtl()
  await etl.waitForLine('ready')
  const before = await pulse('reconcile', '--deep')
  expect(before).toMatchObject({ code: 0, out: expect.stringContaining('pulse replay --fill agent') })
  expect(before.out).toContain('Balanced: 3 consumed = 3 loaded')

  await deleteRecordsBefore(world, 1)
  const dry = await pulse('replay', '--fill', 'agent', '--dry-run')
  expect(dry).toMatchObject({ code: 0, err: expect.stringContaining('2 offsets will be read again') })
  expect(dry.err).toContain('Left as it is: 1 row without agent, whose record Kafka no longer holds.')
  expect(dry.out).toContain('1 fact would change, agent filled, of 2 facts from 2 records.')
  expect(dry.out).toContain('agent null → "Ada"')

  const unasked = await pulse('replay', '--fill', 'agent')
  expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining('add --yes') })
  const why = ['--yes', '--json', '--by', 'ana', '--reason', 'INC-42']
  const done = await pulse('replay', '--fill', 'agent', ...why)
  expect(done).toMatchObject({ code: 0 })
  expect(JSON.parse(done.out)).toMatchObject({
    records: 2,
    facts: 2,
    changed: 1,
    outOfReach: 1,
    dryRun: false,
  })
  expect((await pulse('replay', '--fill', 'agent', '--yes')).out).toContain('0 facts changed, agent filled')
  expect(JSON.parse((await pulse('actions', '--json')).out)).toMatchObject([
    {},
    {
      action: 'replay',
      status: 'succeeded',
      requestedBy: 'ana',
      reason: 'INC-42',
      target: { fill: 'agent', outOfReach: 1 },
    },
    {},
  ])
  const after = await pulse('reconcile', '--deep')
  expect(after).toMatchObject({ code: 0 })
  expect(after.out).not.toContain('--fill agent')
  expect(after.out).toContain('--fill fee')
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('what can not be filled is refused, with what can', async () => {
  const world = await aGrownWorld([aCall()])
  const can = 'What can be filled: agent, fee, is_paid, parts.'
  for (const [field, why] of [
    ['agnt', `agnt can't be filled, it is no field of calls. ${can}`],
    ['seconds', `seconds can't be filled, it is not optional: no row is without it. ${can}`],
    ['call_id', "call_id can't be filled, it is a part of the key: no row is without it."],
    ['source', "source can't be filled, it has a default, which rows from before have too"],
    ['is_long', "is_long can't be filled, it is derived: a replay without --fill brings it up to date."],
  ] as const)
    expect(await runPulse(world.env, ['replay', '--fill', field, '--yes'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(why),
    })
})
