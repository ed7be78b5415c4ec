import { describe, expect, test } from 'vitest'
import { askForRedrive, openBackground, redrive } from '../support/background.ts'
import { forgetIn, whereIs } from '../support/forgetting.ts'
import { provedBy } from '../support/reconciled.ts'
import { members } from '../support/streams/members.ts'
import { aMember } from '../support/members.ts'
import { aWorld, type World } from '../support/world.ts'

/** Records that were refused hold what they said, in bytes that have no columns. */

async function aWorldWithLetters(): Promise<World> {
  const world = await aWorld({ stream: members, partitions: 1 })
  await world.produceRecords(
    [
      aMember('a', 1),
      { ...aMember('a', 2), tier: 'none' },
      { ...aMember('a', 3), born: 'in Ada-shire' },
      { ...aMember('b', 1), tier: 'none' },
      '{"member_id": "a", "name": "Ada of a',
      '{"name": "Bea", "member_id": "abc',
      'no JSON',
    ].map((value, i) => ({
      key: 'key',
      partition: 0,
      value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
      headers: { from: [0, 1, 2, 4].includes(i) ? 'Ada of a' : 'Bea' },
    })),
  )
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 1, deadLettered: 6 })
  return world
}

const lettersOf = async ({ pool }: World) =>
  (
    await pool.query<{ id: number; value: Buffer | null; gone: boolean; resolution: string | null }>(
      `select id::int, value, forgotten_at is not null as gone, resolution from audit.dead_letters order by id`,
    )
  ).rows

describe('dead letters', () => {
  test('whose record has the key are overwritten; where it can not be read, that is said and left to be named', async () => {
    const world = await aWorldWithLetters()
    const [second, third, ofB, cut] = (await lettersOf(world)).map(({ id }) => id) as [
      number,
      number,
      number,
      number,
    ]
    const report = await forgetIn(world, members, { keys: [['a']] })
    expect(report).toMatchObject({ facts: 1, currentRows: 1, deadLetters: 2, perhaps: [cut], undecodable: 0 })
    const { rows } = await world.pool.query(
      `select key, value, headers, issues, failure, resolved_at is not null as resolved, resolution from audit.dead_letters
       where id = any($1) order by id`,
      [[second, third]],
    )
    const overwritten = { key: null, value: null, headers: [], resolved: true }
    const resolution = `forgotten by action ${report.actionId}`
    expect(rows).toEqual([
      {
        ...overwritten,
        issues: [{ field: 'tier', message: 'forgotten' }],
        failure: 'schema_violation tier',
        resolution,
      },
      {
        ...overwritten,
        issues: [{ field: 'born', message: 'forgotten' }],
        failure: 'schema_violation born',
        resolution,
      },
    ])
    const named = await forgetIn(world, members, { keys: [['a']], deadLetters: [cut] })
    expect(named).toMatchObject({ facts: 1, anew: 0, deadLetters: 1, perhaps: [] })
    expect(await whereIs(world, 'Ada of a')).toEqual([])
    const left = (await lettersOf(world)).filter(({ gone }) => !gone)
    expect(left).toMatchObject([{ id: ofB, resolution: null }, {}, {}])
    expect(await provedBy(world, members)).toMatchObject({
      balanced: true,
      told: [],
      everyRecord: { facts: 1, deadLetters: 6, forgotten: 4 },
    })
  })

  test('that are forgotten are refused when somebody wants them sent again', async () => {
    const world = await aWorldWithLetters()
    const [second] = await lettersOf(world)
    await forgetIn(world, members, { keys: [['a']] })
    for (const value of [undefined, Buffer.from(JSON.stringify(aMember('a', 2)))])
      await expect(askForRedrive(world, { ids: [second!.id] }, { value })).rejects.toThrow(
        /^Dead letter \d+ is forgotten since .*: its bytes were overwritten, so nothing of it can be sent or loaded\.$/,
      )
  })

  test('take the corrected value with them that a redrive of them had', async () => {
    const world = await aWorldWithLetters()
    const letter = (await lettersOf(world)).at(-1)!
    const value = Buffer.from(JSON.stringify(aMember('a', 9)))
    expect((await redrive(world, { ids: [letter.id] }, { value })).run).toMatchObject({ loaded: 1 })
    expect(await whereIs(world, 'Ada of a')).toContain('audit.operator_actions')
    expect(await forgetIn(world, members, { keys: [['a']] })).toMatchObject({
      facts: 2,
      payloads: 1,
      deadLetters: 2,
    })
    expect(await whereIs(world, 'Ada of a')).toEqual(['audit.dead_letters'])
    expect(await provedBy(world, members)).toMatchObject({ balanced: true, told: [] })
  })

  test('that are not published yet reach their topic without what they said', async () => {
    const world = await aWorldWithLetters()
    await world.pool.query('update audit.dead_letters set published_at = null')
    const published = (await world.dlqMessages()).length
    await forgetIn(world, members, { keys: [['a']] })
    await world.produce([aMember('c', 1)])
    await world.runOnce()
    const again = (await world.dlqMessages()).slice(published)
    expect(again).toHaveLength(6)
    expect(again.slice(0, 2).map(({ value }) => value)).toEqual([null, null])
    expect(
      again
        .slice(0, 2)
        .flatMap(({ headers }) => headers.map((header) => String(header.value)))
        .join(),
    ).not.toContain('Ada')
  })
})

describe('a redrive and a forgetting', () => {
  test('are not under way together: what was read could be sent after it was overwritten', async () => {
    const world = await aWorldWithLetters()
    const [second] = await lettersOf(world)
    const asked = await askForRedrive(world, { ids: [second!.id] })
    await expect(forgetIn(world, members, { keys: [['a']] })).rejects.toThrow(
      `Redrive ${asked.id} is not finished and may send what is to be forgotten.`,
    )
    const lane = await openBackground(world)
    await lane.until(asked)
    await lane.stop()
    // Sent, and not loaded yet: it would be loaded afterwards.
    await expect(forgetIn(world, members, { keys: [['a']] })).rejects.toThrow(
      `Dead letter ${second!.id} was sent again, and what became of it is not known yet`,
    )
    await world.runOnce({ deadLetterMaxRatio: 1 })
    expect(await forgetIn(world, members, { keys: [['a']] })).toMatchObject({ deadLetters: 3 })
    expect(await provedBy(world, members)).toMatchObject({ balanced: true, told: [] })
  })
})
