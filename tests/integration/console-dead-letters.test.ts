import { expect, test } from 'vitest'
import { readAction } from '../../etl/operations/actions.ts'
import { openBackground } from '../support/background.ts'
import { aConsoleServer, VIEWER_PASSWORD, type Answer } from '../support/console.ts'
import { fieldsOf, textOf, untouched, visitAs } from '../support/page.ts'
import {
  aBrokenMessage,
  asStored,
  broken,
  identityOf,
  marked,
  mended,
  roles,
  type Said,
} from '../support/messages.ts'
import { aLiveMessage, aWorld, type Message } from '../support/world.ts'

/** A console over a world with the dead letters of these messages, and an operator at it. */
async function aConsoleOf(...messages: Message[]) {
  const world = await aWorld({ partitions: 1 })
  await world.produce(messages)
  await world.runOnce({ deadLetterMaxRatio: 1 })
  return aVisitTo(world)
}

async function aVisitTo(world: Awaited<ReturnType<typeof aWorld>>) {
  const console = await aConsoleServer(world)
  const visit = visitAs(console, await console.logIn())
  return { world, console, visit, ids: (await world.deadLetters()).map(({ id }) => id) }
}

/** The field of a message that is broken in these tests, as its text has it. */
const written = (message: Said) => `"${roles.other}":${JSON.stringify(message[roles.other])}`

/** The action that an answer leads to. */
const actionOf = ({ status, headers, body }: Answer): number => {
  expect({ status, body }).toMatchObject({ status: 303 })
  return Number(/^\/actions\/(\d+)$/.exec(headers.location ?? '')?.[1])
}

test('a dead letter is corrected, checked, sent again and loaded, and its page says so', async () => {
  const bad = aBrokenMessage()
  const good = mended(bad)
  const { world, visit, ids } = await aConsoleOf(bad)
  const [id] = ids

  const letter = await visit.get(`/dead-letters/${id}`)
  expect(letter.body).toContain(`<mark title="${roles.other}`)
  expect(textOf(letter)).toContain(written(bad))
  expect(textOf(letter)).toContain(`${world.topic}:0:0`)
  const edit = await visit.get(`/dead-letters/${id}/edit`)
  const content = untouched(edit, 'content')
  expect(JSON.parse(content)).toEqual(bad)

  const worse = { ...bad, ...broken(2) }
  const wrong = { as: 'text', content: content.replace(written(bad), written(worse)) }
  const checked = await visit.post(`/dead-letters/${id}/check`, wrong)
  expect(textOf(checked)).toContain('It would be a dead letter again: schema_violation')
  expect(JSON.parse(untouched(checked, 'content'))).toEqual(worse)
  const right = {
    as: 'text',
    content: content.replace(written(bad), written(good)),
    reason: 'sign was wrong',
  }
  expect(textOf(await visit.post(`/dead-letters/${id}/check`, right))).toContain('It would be accepted')
  expect((await world.pool.query('select from audit.operator_actions')).rowCount).toBe(0)

  const background = await openBackground(world)
  const action = actionOf(await visit.post(`/dead-letters/${id}/redrive`, right))
  expect(await background.until({ id: action })).toMatchObject({
    requestedBy: 'Ada',
    via: 'console',
    reason: 'sign was wrong',
    result: { sent: 1 },
  })
  expect(textOf(await visit.get(`/dead-letters/${id}`))).toContain('waiting for the next run')
  await world.runOnce()

  expect(await world.facts()).toMatchObject([{ identity: identityOf(good), ...asStored(good) }])
  const resolved = textOf(await visit.get(`/dead-letters/${id}`))
  expect(resolved).toContain(`: loaded in ${world.topic}:0:1-1`)
  expect(resolved).not.toContain('Correct and redrive')
  await world.assertBalanced()
})

test('groups, search and the filter in the address', async () => {
  const { visit } = await aConsoleOf(aBrokenMessage(), aBrokenMessage(marked('needle'), 2), '{"needle":')
  const all = textOf(await visit.get('/dead-letters'))
  expect(all).toContain('3 open dead letters')
  expect(all).toMatch(new RegExp(`schema_violation ${roles.other} 2 0 `))
  const found = textOf(await visit.get('/dead-letters?text=needle&code=&partition=&since=&until=&state=open'))
  expect(found).toContain('2 open dead letters')
  expect(found).toMatch(/malformed_json\S* 1 0 /)
  expect(textOf(await visit.get('/dead-letters?since=2020-01-01T00:00&until=2020-01-02T00:00'))).toContain(
    '0 open dead letters',
  )
  expect(await visit.get('/dead-letters?code=nonsense')).toMatchObject({ status: 400 })
})

test('a list of more than a page is paged by its last letter, without gap or overlap', async () => {
  const { visit, ids } = await aConsoleOf(...Array.from({ length: 120 }, () => '{'))
  const seen: string[] = []
  let path: string | undefined = '/dead-letters?code=malformed_json'
  for (let pages = 0; path !== undefined && pages < 5; pages += 1) {
    const { body }: Answer = await visit.get(path)
    seen.push(
      ...[...body.matchAll(/<th scope="row"[^>]*><a href="\/dead-letters\/(\d+)">/g)].map((m) => m[1]!),
    )
    path = /rel="next" href="([^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&')
  }
  expect(seen).toEqual(ids.map(String).reverse())
})

test('everything that matches is redriven or dismissed after a look at it, unless it is more by then', async () => {
  const { world, visit } = await aConsoleOf('{', '[', aBrokenMessage())
  const background = await openBackground(world)

  const look = await visit.get('/dead-letters/dismiss?code=malformed_json')
  expect(textOf(look)).toContain('Dismiss 2 open dead letters?')
  expect(fieldsOf(look)).toEqual({ expectedCount: '2' })
  const path = '/dead-letters/dismiss?code=malformed_json'
  expect(await visit.post(path, { expectedCount: '2', reason: ' ' })).toMatchObject({ status: 409 })

  await world.produce(['{'])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const refused = await visit.post(path, { expectedCount: '2', reason: 'tests' })
  expect(refused.status).toBe(409)
  expect(textOf(refused)).toContain('3 dead letters match now, not 2')

  const dismissed = actionOf(await visit.post(path, { expectedCount: '3', reason: 'tests' }))
  expect(await background.until({ id: dismissed })).toMatchObject({ result: { dismissed: 3 } })
  expect(textOf(await visit.get(`/actions/${dismissed}`))).toContain('3 dead letters dismissed.')

  const rest = await visit.get('/dead-letters/redrive')
  expect(textOf(rest)).toContain('Redrive 1 open dead letter?')
  const redriven = actionOf(await visit.post('/dead-letters/redrive', fieldsOf(rest)))
  await background.until({ id: redriven })
  expect(textOf(await visit.get(`/actions/${redriven}`))).toContain('1 record sent again.')
  expect(textOf(await visit.get('/dead-letters'))).toMatch(new RegExp(`schema_violation ${roles.other} 1 1 `))
})

const IMAGE = '<img src=x onerror=alert(1)>'

test('hostile bytes are shown as text, never as markup, and come out of a download byte for byte', async () => {
  const world = await aWorld({ partitions: 1 })
  const key = Buffer.from(`${IMAGE}\0\u001b[31m\u202e`)
  const values = [
    Buffer.from(`${IMAGE}</textarea></pre><script>alert(1)</script>\0\u0007`),
    Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x3c, 0x62, 0x3e]),
    Buffer.from(JSON.stringify(aLiveMessage({ [roles.other]: IMAGE, [IMAGE]: IMAGE }))),
    Buffer.alloc(900_000, '<b>"é&'),
  ]
  await world.produceRecords(
    values.map((value) => ({ key, value, partition: 0, headers: { [IMAGE]: `${IMAGE}\0` } })),
  )
  await world.runOnce({ deadLetterMaxRatio: 1 })
  await world.pool.query(`update audit.dead_letters set resolution = $1`, [IMAGE])
  const { visit, ids } = await aVisitTo(world)
  expect(ids).toHaveLength(values.length)

  const pages = ['/dead-letters', `/dead-letters?text=${encodeURIComponent(IMAGE)}`]
  for (const [i, value] of values.entries()) {
    const path = `/dead-letters/${ids[i]}`
    pages.push(path, `${path}/edit`, `${path}/edit?as=hex`, `/dead-letters/dismiss?ids=${ids[i]}`)
    const download = await visit.download(`${path}/value`)
    expect(download.bytes.equals(value)).toBe(true)
    expect(Object.fromEntries(download.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="dead-letter-${ids[i]}-value.bin"`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    })
    expect((await visit.download(`${path}/key`)).bytes.equals(key)).toBe(true)
  }
  for (const path of pages) {
    const { status, body } = await visit.get(path)
    expect(status).toBe(200)
    expect(body).not.toMatch(/<img src=x|<script>|<b>|<\/textarea><\/pre>/)
    // Nothing that a terminal, a browser or an eye would obey.
    expect(body).not.toMatch(/(?![\n\r\t])[\p{Cc}\u202a-\u202e]/u)
    // Of a large value an editor holds all, other pages the beginning.
    expect(body.length).toBeLessThan(path.includes('/edit') ? 4_000_000 : 600_000)
  }
  const [binary, invalid] = await Promise.all(ids.map((id) => visit.get(`/dead-letters/${id}`)))
  expect(textOf(binary!)).toContain(`${IMAGE}</textarea>`)
  expect(textOf(binary!)).toContain('\\u0000\\u0007')
  expect(textOf(binary!)).toContain('\\u202e')
  expect(textOf(invalid!)).toContain('\\xff\\xfe\\x00')
  expect(textOf(invalid!)).toContain('ff fe 00 0a')
})

test.each([
  ['CR LF', '{"a":1,\r\n"b":2}\r\n'],
  ['line feeds, one at the beginning', '\n\n{"a":1}\n'],
  ['carriage returns', '{\r"a":1}\r'],
  ['all kinds of line ends', '{\r"a"\r\n:\n1}'],
  ['a byte order mark, tabs and control characters', '\ufeff{\t"a":"\u0001\u0085\u2028"}'],
  ['bytes that are no text', Buffer.from([0xff, 0, 0x0d, 0x0a])],
  ['nothing', ''],
  ['null', null],
])('what nobody changed in the form is sent byte for byte: %s', async (_name, value) => {
  const { world, visit, ids } = await aConsoleOf(value)
  const edit = await visit.get(`/dead-letters/${ids[0]}/edit`)
  const form = { as: fieldsOf(edit)['as']!, content: untouched(edit, 'content') }
  const id = actionOf(await visit.post(`/dead-letters/${ids[0]}/redrive`, form))
  // Sent as it is: there is no corrected value.
  const { rows } = await world.pool.query('select payload from audit.operator_actions where id = $1', [id])
  expect(rows).toEqual([{ payload: null }])
  expect(await readAction(world.pool, id)).toMatchObject({ status: 'pending' })
})

test('what was changed keeps the line ends of the original; hex is taken as bytes, and nonsense is refused', async () => {
  const { world, visit, ids } = await aConsoleOf('{"a":\r\n1}', Buffer.from([0xff, 0x00]))
  const payloadOf = async (path: string, form: Record<string, string>) => {
    const id = actionOf(await visit.post(path, form))
    const { rows } = await world.pool.query<{ payload: Buffer }>(
      'select payload from audit.operator_actions where id = $1',
      [id],
    )
    return rows[0]!.payload
  }
  const text = await payloadOf(`/dead-letters/${ids[0]}/redrive`, {
    as: 'text',
    content: '{"a":\n2,\n"b":3}',
  })
  expect(text.toString()).toBe('{"a":\r\n2,\r\n"b":3}')
  const path = `/dead-letters/${ids[1]}/redrive`
  expect(await payloadOf(path, { as: 'hex', content: 'FE 00\r\n0a' })).toEqual(Buffer.from([0xfe, 0, 0x0a]))
  const refused = await visit.post(path, { as: 'hex', content: 'fe 0' })
  expect(refused.status).toBe(400)
  expect(textOf(refused)).toContain('That is no hex')
  expect(untouched(refused, 'content')).toBe('fe 0')
})

test('a viewer sees dead letters and no way to act; what is not there is not found', async () => {
  const { console, ids } = await aConsoleOf('{')
  const viewer = visitAs(console, await console.logIn(VIEWER_PASSWORD, 'Vi'))
  for (const path of ['/dead-letters', `/dead-letters/${ids[0]}`]) {
    const answer = await viewer.get(path)
    expect(textOf(answer)).toContain('You may look and not act')
    expect(answer.body).not.toMatch(/\/(redrive|dismiss|edit)/)
  }
  expect(await viewer.get('/dead-letters/999')).toMatchObject({ status: 404 })
  expect(await viewer.get('/dead-letters/999/value')).toMatchObject({ status: 404 })
  expect(await viewer.get('/dead-letters/x')).toMatchObject({ status: 400 })
})
