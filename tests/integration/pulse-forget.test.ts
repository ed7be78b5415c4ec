import { describe, expect, test } from 'vitest'
import { requireForgettable } from '../../etl/forget/forget.ts'
import { clicks } from '../support/clicks/clicks.ts'
import { whereIs } from '../support/forgetting.ts'
import { aMember } from '../support/members.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import { runPulse } from '../support/pulse.ts'
import { members } from '../support/streams/members.ts'
import { scans } from '../support/streams/scans.ts'
import { noon } from '../support/versions.ts'
import { aWorld } from '../support/world.ts'

test('forget says what it will do, asks, does it, has it on record, and says what it does not reach', async () => {
  const world = await aWorld({ stream: members, partitions: 1 })
  await world.produce([
    aMember('a', 1),
    aMember('a', 2),
    { ...aMember('a', 3), tier: 'none' },
    aMember('b', 1),
  ])
  await world.runOnce()
  const pulse = (...args: string[]) => runPulse(world.env, args)
  const one = ['forget', 'members', '--key', 'a', '--reason', 'Request of 3 May: INC-42']

  const dry = await pulse(...one, '--dry-run')
  expect(dry).toMatchObject({ code: 0, err: '' })
  const what = 'name, email, born, credit, greeting of 2 versions, 1 current row, 1 dead letter.'
  expect(dry.out).toContain(`To be overwritten: ${what}`)
  expect(dry.out).toContain(
    `Kafka still has it: ${world.topic} and ${world.dlqTopic} until their retention takes it, and so have backups.`,
  )
  expect(dry.out).toContain('A record that comes again is a duplicate and brings nothing back')
  expect(dry.out).toContain('Nothing was changed: it was a dry run.')
  expect(await pulse(...one)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('add --yes') })
  expect(await whereIs(world, 'Ada of a')).toEqual([
    'audit.dead_letters',
    'warehouse.members',
    'warehouse.members_history',
  ])

  const done = await pulse(...one, '--yes', '--by', 'ana', '--json')
  expect(done).toMatchObject({ code: 0, err: '' })
  const { actionId, ...report } = JSON.parse(done.out) as { actionId: number }
  const counts = { facts: 2, anew: 2, currentRows: 1, lines: 0, deadLetters: 1, payloads: 0 }
  expect(report).toEqual({ stream: 'members', dryRun: false, ...counts, perhaps: [], undecodable: 0 })
  expect(await whereIs(world, 'Ada of a')).toEqual([])
  const actions = await pulse('actions', '--json')
  expect(JSON.parse(actions.out)).toMatchObject([
    {
      id: actionId,
      action: 'forget',
      stream: 'members',
      status: 'succeeded',
      requestedBy: 'ana',
      via: 'pulse',
      reason: 'Request of 3 May: INC-42',
      target: { keys: [['a']], deadLetters: [1] },
      result: counts,
    },
  ])
  const again = await pulse(...one, '--yes')
  expect(again.out).toContain('of 2 versions (2 of them forgotten before), 1 current row, 0 dead letters.')
  expect(again.out).toMatch(/On record as action \d+: pulse actions/)
  const proof = await pulse('reconcile', '--deep')
  expect(proof).toMatchObject({ code: 0, out: expect.stringContaining('; 3 of them forgotten') })
  const redrive = await pulse('dead-letters', 'redrive', '1', '--yes')
  expect(redrive).toMatchObject({ code: 1, err: expect.stringContaining('Dead letter 1 is forgotten since') })
  expect((await pulse('dead-letters', 'show', '1')).out).toContain(`(forgotten by action ${actionId})`)
})

test('an identity of several fields is typed as a JSON array', async () => {
  const world = await aWorld({ stream: scans, partitions: 1 })
  await world.produce([{ badge: 'b1', door: 1, at: noon(), who: 'Ada' }])
  await world.runOnce()
  const forget = (...args: string[]) =>
    runPulse(world.env, ['forget', 'scans', '--reason', 'x', '--yes', ...args])
  for (const [key, says] of [
    ['b1', `--key: the identity has several parts: give them as a JSON array, such as '["badge", "door"]'.`],
    ['["b1"]', 'several parts'],
    ['["b1", "one"]', '--key: door is "one"; it must be a whole JSON number.'],
  ] as const)
    expect(await forget('--key', key)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(says) })
  expect(await forget('--key', '["b2", 1]')).toMatchObject({
    code: 1,
    err: expect.stringContaining('The warehouse has no scan and no dead letter with this badge and door'),
  })
  expect(await forget('--key', '["b1", 1]', '--key', '["b2", 1]')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Overwritten: who of 1 fact, 0 dead letters.'),
  })
})

describe('what makes no sense is refused with a sentence', () => {
  test('by the command', async () => {
    const world = await aWorldOfParcels({ partitions: 1 })
    await world.produce([aParcel()])
    const cases: [string[], number, string][] = [
      [['nothing', '--key', 'a', '--reason', 'x'], 2, 'nothing'],
      [['parcels', '--key', 'a'], 2, '--reason'],
      [['parcels', '--reason', 'x'], 2, '--key'],
      [['parcels', '--key', 'a', '--reason', ' '], 2, '--reason is empty'],
      [
        ['parcels', '--key', 'a', '--reason', 'x'],
        1,
        'parcels has no personal field, so there is nothing to forget: its declaration marks one by { personal: true }.',
      ],
      [['parcels', '--key', 'a', '--reason', 'x', '--stream', 'others'], 2, 'name one stream'],
    ]
    for (const [args, code, says] of cases)
      expect(await runPulse(world.env, ['forget', ...args, '--yes'])).toMatchObject({
        code,
        out: '',
        err: expect.stringContaining(says),
      })
    const help = await runPulse(world.env, ['forget', '--help'])
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining("Kafka's retention clears") })
  })

  test('where each record is a fact of its own', () => {
    const fields = { ...clicks.fields, session: members.fields['name']! }
    expect(() => requireForgettable({ ...clicks, fields })).toThrow(
      'clicks has no identity, each record is one: there is no key by which its records could be found.',
    )
  })
})
