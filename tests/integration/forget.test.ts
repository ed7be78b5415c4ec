import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compile, compileWith } from '../../etl/stream/compile.ts'
import { requestReplay } from '../../etl/replay/request.ts'
import { forgetIn, whereIs } from '../support/forgetting.ts'
import { provedBy } from '../support/reconciled.ts'
import { aMember } from '../support/members.ts'
import { ALL, aReplayer, OPERATOR, replayed, settled } from '../support/replayer.ts'
import { members } from '../support/streams/members.ts'
import { scans } from '../support/streams/scans.ts'
import { stays } from '../support/streams/stays.ts'
import { noon } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** What is personal of a record is overwritten wherever the warehouse has it, and stays so; the books balance. */

const aWorldOfMembers = async (records: readonly object[], partitions = 1): Promise<World> => {
  const world = await aWorld({ stream: members, partitions })
  await world.produce(records)
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: records.length })
  return world
}

async function storedOf({ pool }: World, table = 'members_history') {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select member_id || version as id, full_name, email, born::text, credit, greeting, tier, letters
     from warehouse.${table} order by 1`,
  )
  return rows
}

const OVERWRITTEN = {
  full_name: 'forgotten',
  email: null,
  born: '1970-01-01',
  credit: '0.00',
  greeting: 'forgotten',
}
const known = (key: string, version: number) => ({
  id: `${key}${version}`,
  full_name: `Ada of ${key}`,
  email: `${key}@example.org`,
  greeting: `Dear Ada of ${key}`,
})

describe('all versions of a key and its current row', () => {
  test('are overwritten, the rollup with them, and the proof counts them as forgotten', async () => {
    const world = await aWorldOfMembers([
      aMember('a', 1),
      aMember('a', 2, { email: undefined, tier: 'gold' }),
      aMember('b', 1),
      aMember('a', 3, { is_gone: true }),
      aMember('a', 4),
    ])
    const dry = await forgetIn(world, members, { keys: [['a']], dryRun: true })
    expect(dry).toMatchObject({ facts: 4, anew: 4, currentRows: 1, deadLetters: 0, actionId: null })
    expect(await storedOf(world)).toMatchObject([known('a', 1), {}, {}, {}, known('b', 1)])
    expect(await whereIs(world, 'INC-42')).toEqual([])

    expect(await forgetIn(world, members, { keys: [['a']] })).toEqual({
      ...dry,
      actionId: expect.any(Number) as number,
    })
    expect(await storedOf(world)).toEqual([
      { id: 'a1', ...OVERWRITTEN, tier: 'basic', letters: 8 },
      { id: 'a2', ...OVERWRITTEN, tier: 'gold', letters: 8 },
      // A deletion said none of it.
      {
        id: 'a3',
        full_name: null,
        email: null,
        born: null,
        credit: null,
        greeting: null,
        tier: null,
        letters: null,
      },
      { id: 'a4', ...OVERWRITTEN, tier: 'basic', letters: 8 },
      expect.objectContaining(known('b', 1)),
    ])
    expect(await storedOf(world, 'members')).toMatchObject([{ id: 'a4', ...OVERWRITTEN }, known('b', 1)])
    const { rows } = await world.pool.query(
      'select sum(members)::int as members, sum(credit)::text as credit from warehouse.members_by_day',
    )
    expect(rows).toEqual([{ members: 2, credit: '11.00' }])
    expect(await provedBy(world, members)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { facts: 5, forgotten: 4, toFill: {} },
    })
    await expect.soft(whereIs(world, 'Ada of a')).resolves.toEqual([])
    expect(await whereIs(world, 'a@example.org')).toEqual([])

    expect(await forgetIn(world, members, { keys: [['a'], ['b']] })).toMatchObject({
      facts: 5,
      anew: 1,
      currentRows: 2,
    })
    expect(await provedBy(world, members)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { forgotten: 5 },
    })
  })

  test('stay so: the same record is a duplicate, and no replay or fill brings anything back', async () => {
    const one = aMember('a', 1)
    const world = await aWorldOfMembers([one, aMember('b', 1)])
    await forgetIn(world, members, { keys: [['a']] })
    await world.produce([one])
    expect(await world.runOnce()).toMatchObject({ loaded: 0, duplicate: 1, deadLettered: 0 })
    expect(await storedOf(world)).toMatchObject([{ id: 'a1', ...OVERWRITTEN }, known('b', 1)])

    // By another rule everybody's greeting is another one.
    const rules = {
      ...members,
      derive: ({ name }: Record<string, unknown>) => ({ greeting: `Hi ${String(name)}`, letters: 1 }),
    }
    await aReplayer(world, { stream: compileWith(rules, undefined) })
    expect((await replayed(world)).result).toMatchObject({
      records: 3,
      facts: 1,
      changed: 1,
      forgotten: 1,
      otherValues: 0,
    })
    const asked = { stream: 'members', topic: world.topic, range: ALL, dryRun: false, fill: 'email' }
    const { action } = await requestReplay(world.pool, world.kafka, OPERATOR, asked)
    expect((await settled(world, action.id, 'succeeded')).result).toMatchObject({ changed: 0, forgotten: 1 })
    expect(await storedOf(world)).toMatchObject([
      { id: 'a1', ...OVERWRITTEN, letters: 8 },
      { greeting: 'Hi Ada of b', letters: 1 },
    ])
    expect(JSON.stringify(action) + JSON.stringify(await actionsOf(world))).not.toContain('Ada')
    await world.pool.query(
      `update warehouse.members_history set greeting = 'Dear Ada of b' where member_id = 'b'`,
    )
    await world.pool.query(`update warehouse.members set greeting = 'Dear Ada of b' where member_id = 'b'`)
    expect(await provedBy(world, members)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { duplicates: 1 },
    })
  })

  test('are another matter than what comes later: other values conflict, and a newer version is loaded', async () => {
    const one = aMember('a', 1)
    const world = await aWorldOfMembers([one])
    await forgetIn(world, members, { keys: [['a']] })
    await world.produce([{ ...one, tier: 'gold' }, aMember('a', 2)])
    expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 1, deadLettered: 1 })
    expect(await world.deadLetters()).toMatchObject([
      { code: 'conflicting_duplicate', issues: [{ field: 'tier' }] },
    ])
    expect(await storedOf(world)).toMatchObject([{ id: 'a1', ...OVERWRITTEN }, known('a', 2)])
    expect(await forgetIn(world, members, { keys: [['a']] })).toMatchObject({
      facts: 2,
      anew: 1,
      deadLetters: 1,
    })
    expect(await whereIs(world, 'Ada of a')).toEqual([])
    expect(await provedBy(world, members)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { forgotten: 3 },
    })
  })
})

async function actionsOf({ pool }: World): Promise<unknown[]> {
  return (await pool.query('select * from audit.operator_actions')).rows
}

const aStay = (changes: Readonly<Record<string, unknown>> = {}) => ({
  stay_id: randomUUID(),
  at: new Date().toISOString(),
  hotel: 'Bristol',
  guest: 'Grace Hopper',
  initials: 'GH',
  phone: '555-0199',
  passport: randomUUID(),
  price: 120.5,
  currency: 'JPY',
  bill: 9000,
  tip: 500,
  weight: '71.25',
  age: 45,
  mood: 90,
  arrived: '2026-11-01T08:00:00Z',
  is_vip: true,
  room: 'double',
  wishes: ['a cot'],
  extra: { allergy: 'nuts' },
  others: [
    { name: 'Anita Borg', bed: 'left' },
    { name: 'Jean Sammet', bed: 'right' },
  ],
  children: [{ name: 'Vincent', age: 3 }],
  ...changes,
})

test('of facts that happen once every word has something that takes its place, and lines keep their number', async () => {
  const world = await aWorld({ stream: stays, partitions: 2 })
  const [one, other] = [aStay(), aStay({ children: undefined, phone: undefined })]
  await world.produce([one, other])
  await world.produce([one], { partition: 1 })
  expect(await world.runOnce()).toMatchObject({ loaded: 2, duplicate: 1 })
  const report = await forgetIn(world, stays, { keys: [[one.stay_id]] })
  expect(report).toMatchObject({ facts: 1, anew: 1, currentRows: 0, lines: 3, deadLetters: 0 })
  const { rows } = await world.pool.query<Record<string, unknown>>(
    `select guest, initials, phone, passport, price, currency, bill, tip, weight, age::int, mood, arrived, is_vip, room, wishes, extra,
            others, children from warehouse.stays where stay_id = $1`,
    [one.stay_id],
  )
  expect(rows).toEqual([
    {
      guest: 'forgotten',
      initials: 'for',
      phone: null,
      passport: '00000000-0000-0000-0000-000000000000',
      price: '0.01',
      currency: 'XXX',
      bill: '9000.0000',
      tip: '1.0000',
      weight: '0.00',
      age: 18,
      mood: 0,
      arrived: new Date(0),
      is_vip: false,
      room: 'forgot',
      wishes: [],
      extra: {},
      others: 2,
      children: 1,
    },
  ])
  const { rows: lines } = await world.pool.query(
    `select line_no, name, bed from warehouse.stays_others where stay_id = $1
     union all select line_no, name, age::text from warehouse.stays_children where stay_id = $1 order by 3`,
    [one.stay_id],
  )
  expect(lines).toEqual([
    { line_no: 1, name: 'forgotten', bed: '0' },
    { line_no: 1, name: 'forgotten', bed: 'left' },
    { line_no: 2, name: 'forgotten', bed: 'right' },
  ])
  expect((await world.pool.query('select guest from warehouse.stays order by 1 desc')).rows).toEqual([
    { guest: 'forgotten' },
    { guest: 'Grace Hopper' },
  ])
  const proof = { balanced: true, told: [], everyRecord: { facts: 2, duplicates: 1, forgotten: 1 } }
  expect(await provedBy(world, stays)).toMatchObject(proof)
  await world.assertBalanced()
  await world.produce([one, { ...one, hotel: 'Ritz' }])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ duplicate: 1, deadLettered: 1 })
  await world.assertBalanced()
})

const aScan = (badge: string, door: number, days: number) => ({
  badge,
  door,
  at: noon(days),
  who: `Ada at ${door}`,
})

test('an identity of several fields is all its facts, at whatever time', async () => {
  const world = await aWorld({ stream: scans, partitions: 1 })
  await world.produce([aScan('b1', 1, 1), aScan('b1', 1, 40), aScan('b1', 2, 1), aScan('b2', 1, 1)])
  await world.runOnce()
  expect(await forgetIn(world, scans, { keys: [['b1', 1]] })).toMatchObject({ facts: 2, anew: 2 })
  const { rows } = await world.pool.query<{ id: string; who: string | null }>(
    `select badge || door as id, who from warehouse.scans order by 1, at`,
  )
  expect(rows.map(({ who }) => who)).toEqual([null, null, 'Ada at 2', 'Ada at 1'])
  // Null because it was forgotten, and not because it came before the field was declared.
  expect(await provedBy(world, scans)).toMatchObject({
    balanced: true,
    told: [],
    everyRecord: { forgotten: 2, toFill: {} },
  })
})

test('the wrong declaration and unknown keys are refused, and nothing is changed', async () => {
  const world = await aWorldOfMembers([aMember('a', 1)])
  await expect(forgetIn(world, members, { keys: [['x']] })).rejects.toThrow(
    'The warehouse has no member and no dead letter with this member_id: nothing was changed.',
  )
  await expect(forgetIn(world, members, { keys: [['a']], deadLetters: [7] })).rejects.toThrow(
    'members has no dead letter 7.',
  )
  const { email: _email, ...fields } = members.fields
  await expect(forgetIn(world, { ...members, fields }, { keys: [['a']] })).rejects.toThrow(
    "doesn't know which columns of members are personal by this declaration: run npm run migrate.",
  )
  expect(await storedOf(world)).toMatchObject([known('a', 1)])
  expect(await actionsOf(world)).toEqual([])
  expect(compile(members).name).toBe('members')
})
