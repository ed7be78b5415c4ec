import { expect, test } from 'vitest'
import { askForRedrive, openBackground } from '../support/background.ts'
import { aConsoleServer, API_TOKEN } from '../support/console.ts'
import { textOf, visitAs } from '../support/page.ts'
import { aWorld } from '../support/world.ts'

const BYTES = 12_000_000

test('of a value of megabytes a page has the beginning, a document none, and a download all', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['no JSON'])
  await world.runOnce()
  // No topic of usual settings takes it in one piece; what matters is what is in the warehouse.
  const value = Buffer.from('é0123456789'.repeat(1_000_000))
  expect(value).toHaveLength(BYTES)
  await world.pool.query('update audit.dead_letters set value = $1', [value])
  const server = await aConsoleServer(world)
  const visit = visitAs(server, await server.logIn())
  const [letter] = await world.deadLetters()
  const path = `/dead-letters/${letter!.id}`

  const page = await visit.get(path)
  expect(textOf(page)).toContain('12,000,000 bytes')
  expect(textOf(page)).toContain('The first 65,536 of 12,000,000 bytes')
  expect(page.body.length).toBeLessThan(200_000)

  const edit = textOf(await visit.get(`${path}/edit`))
  expect(edit).toContain('Its value has 12,000,000 bytes, more than a page can hold')

  const download = await visit.download(`${path}/value`)
  expect(download.headers.get('content-length')).toBe(String(BYTES))
  expect(download.bytes.equals(value)).toBe(true)

  const headers = { authorization: `Bearer ${API_TOKEN}` }
  const document = await server.ask('GET', `/api/v1${path}`, { headers })
  expect(document.status).toBe(409)
  expect(document.body).toContain(`Download it: ${path}/value`)
})

test('one that no topic could take is not read for it: a stub goes out, and a redrive passes it over', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['no JSON', 'none either'])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  await world.pool.query(
    `update audit.dead_letters set value = convert_to(repeat('x', 17000000), 'UTF8'), published_at = null where "offset" = 0`,
  )
  const before = (await world.dlqMessages()).length

  await world.runOnce()

  const [stub, ...more] = (await world.dlqMessages()).slice(before)
  expect(more).toEqual([])
  expect(stub).toMatchObject({ value: null, key: Buffer.from(`${world.topic}:0:0`) })
  const [letter] = await world.deadLetters()
  const header = stub!.headers.find(({ key }) => key === 'dlq.stub')
  expect(header?.value?.toString()).toBe(`audit.dead_letters.id=${letter!.id}`)
  expect(letter!.published_at).not.toBeNull()

  const lane = await openBackground(world)
  const redriven = await lane.until(await askForRedrive(world, { code: 'malformed_json' }))
  expect(redriven).toMatchObject({
    done: 2,
    result: { sent: 1, skipped: { too_large: 1 }, tooLarge: [letter!.id] },
  })
})
