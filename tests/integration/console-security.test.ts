import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  aConsoleServer,
  API_TOKEN,
  CONSOLE_ENV,
  cookieOf,
  OPERATOR_PASSWORD,
  routesOf,
  VIEWER_PASSWORD,
  type ConsoleServer,
  type Route,
} from '../support/console.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Tries to log in. */
const attempt = (console: ConsoleServer, form: Readonly<Record<string, string>>, headers = {}) =>
  console.ask('POST', '/login', { form, headers })

let world: World
beforeAll(async () => {
  world = await aWorld({ partitions: 1 })
})
afterAll(() => world.cleanUp())

/** All that may be had without logging in, besides assets. A route that is not here must turn a stranger away. */
const PUBLIC = [
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /login',
  'POST /login',
  'POST /logout',
  'GET /api/v1/openapi.json',
]

const isPublic = ({ method, path }: Route) =>
  PUBLIC.includes(`${method.replace('HEAD', 'GET')} ${path}`) ||
  (path.startsWith('/assets/') && method !== 'POST')
const isApi = ({ path }: Route) => path.startsWith('/api/')
const reads = ({ method }: Route) => method === 'GET' || method === 'HEAD'
/** With something where a parameter is. */
const reached = ({ path }: Route) => path.replaceAll(/:[a-z]+/gi, '1')

/** What each route answers to the same request, by `METHOD path`. */
async function walk(
  console: ConsoleServer,
  routes: readonly Route[],
  what: Parameters<ConsoleServer['ask']>[2] = {},
): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {}
  for (const route of routes) {
    const form = reads(route) ? {} : { form: {} }
    const { status } = await console.ask(route.method, reached(route), { ...form, ...what })
    statuses[`${route.method} ${route.path}`] = status
  }
  return statuses
}

const all = (routes: readonly Route[], status: number | ((route: Route) => number)) =>
  Object.fromEntries(
    routes.map((route) => [
      `${route.method} ${route.path}`,
      typeof status === 'number' ? status : status(route),
    ]),
  )

/** Refused, or a fault of ours. */
const fails = (status: number) => status === 401 || status === 403 || status >= 500

/** Those whose answer fails a check: none, if all is well. */
const those = (statuses: Record<string, number>, bad: (status: number) => boolean) =>
  Object.entries(statuses).filter(([, status]) => bad(status))

describe('every route', () => {
  test('a stranger gets the public ones, and is turned away from each other', async () => {
    const console = await aConsoleServer(world)
    const routes = routesOf(console.server)
    expect(routes.length).toBeGreaterThan(20)
    const open = routes.filter((route) => isPublic(route) && !route.path.startsWith('/assets/'))
    const guarded = routes.filter((route) => !isPublic(route))

    expect(new Set(open.map(({ method, path }) => `${method.replace('HEAD', 'GET')} ${path}`))).toEqual(
      new Set(PUBLIC),
    )
    expect(await walk(console, guarded)).toEqual(
      all(guarded, (route) => (isApi(route) || !reads(route) ? 401 : 303)),
    )
    const page = await console.ask('GET', '/runs?page=2')
    expect(page.headers.location).toBe('/login?next=%2Fruns%3Fpage%3D2')
    expect(page.body).toBe('')
  })

  test('a cookie that nobody gave out is no login', async () => {
    const console = await aConsoleServer(world)
    const guarded = routesOf(console.server).filter((route) => !isPublic(route))
    const cookie = `pulse=${'A'.repeat(43)}`

    expect(await walk(console, guarded, { cookie })).toEqual(
      all(guarded, (route) => (isApi(route) || !reads(route) ? 401 : 303)),
    )
  })

  test('a viewer sees every page and may change nothing', async () => {
    const console = await aConsoleServer(world)
    const guarded = routesOf(console.server).filter((route) => !isPublic(route))
    const { cookie, csrfToken } = await console.logIn(VIEWER_PASSWORD)

    const seen = await walk(console, guarded.filter(reads), { cookie })
    expect(those(seen, (status) => status === 401 || status >= 500)).toEqual([])
    const acts = guarded.filter((route) => !reads(route))
    expect(await walk(console, acts, { cookie, form: { _csrf: csrfToken } })).toEqual(all(acts, 403))
  })

  test('an operator changes nothing without the token, with a wrong one or with somebody else’s', async () => {
    const console = await aConsoleServer(world)
    const acts = routesOf(console.server).filter((route) => !isPublic(route) && !reads(route))
    const other = await console.logIn(OPERATOR_PASSWORD, 'Grace')
    const { cookie, csrfToken } = await console.logIn()
    const with_ = (token: string) => walk(console, acts, { cookie, form: { _csrf: token } })

    expect(await walk(console, acts, { cookie })).toEqual(all(acts, 403))
    expect(await with_('')).toEqual(all(acts, 403))
    expect(await with_(`${csrfToken}x`)).toEqual(all(acts, 403))
    expect(await with_(other.csrfToken)).toEqual(all(acts, 403))
    expect(await walk(console, acts, { cookie, form: `_csrf=${csrfToken}&_csrf=${csrfToken}` })).toEqual(
      all(acts, 403),
    )
    expect(those(await with_(csrfToken), fails)).toEqual([])
  })

  test('while the console is read-only nobody acts, with whatever', async () => {
    const console = await aConsoleServer(world, { CONSOLE_READ_ONLY: 'true' })
    const acts = routesOf(console.server).filter((route) => !isPublic(route) && !reads(route))
    const { cookie, csrfToken } = await console.logIn()

    expect(await walk(console, acts, { cookie, form: { _csrf: csrfToken } })).toEqual(all(acts, 403))
    const programs = acts.filter(isApi)
    const headers = { authorization: `Bearer ${API_TOKEN}` }
    expect(await walk(console, programs, { headers })).toEqual(all(programs, 403))
  })

  test('the API token opens the API, with no other token, and no page', async () => {
    const console = await aConsoleServer(world)
    const guarded = routesOf(console.server).filter((route) => !isPublic(route))
    const programs = guarded.filter(isApi)
    const pages = guarded.filter((route) => !isApi(route))
    const headers = { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' }

    const seen = await walk(console, programs.filter(reads), { headers })
    expect(those(seen, fails)).toEqual([])
    const acted = await walk(
      console,
      programs.filter((route) => !reads(route)),
      { headers, form: '{}' },
    )
    expect(those(acted, fails)).toEqual([])
    expect(await walk(console, pages, { headers: { authorization: headers.authorization } })).toEqual(
      all(pages, (route) => (reads(route) ? 303 : 401)),
    )
  })

  test.for([
    ['wrong', `Bearer ${API_TOKEN}x`],
    ['cut short', `Bearer ${API_TOKEN.slice(0, -1)}`],
    ['empty', 'Bearer '],
    ['as a password', `Basic ${Buffer.from(`api:${API_TOKEN}`).toString('base64')}`],
    ['that of a console without one', 'Bearer undefined'],
  ])('an API token that is %s opens nothing', async ([, authorization]) => {
    const env: Record<string, string> = authorization === 'Bearer undefined' ? { CONSOLE_API_TOKEN: '' } : {}
    const console = await aConsoleServer(world, env)
    const programs = routesOf(console.server).filter((route) => !isPublic(route) && isApi(route))

    expect(await walk(console, programs, { headers: { authorization: authorization! } })).toEqual(
      all(programs, 401),
    )
  })
})

describe('logging in', () => {
  test('a wrong password is turned away, whoever one says to be', async () => {
    const console = await aConsoleServer(world)
    for (const password of ['x', `${OPERATOR_PASSWORD} `, OPERATOR_PASSWORD.slice(1), API_TOKEN]) {
      const answer = await attempt(console, { name: 'Ada', password })
      expect(answer.status).toBe(401)
      expect(answer.body).toContain('That is not the password.')
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    const incomplete: Record<string, string>[] = [
      {},
      { name: 'Ada' },
      { password: OPERATOR_PASSWORD },
      { name: ' ', password: 'x' },
    ]
    for (const form of incomplete) {
      const answer = await attempt(console, form)
      expect(answer).toMatchObject({ status: 401, body: expect.stringContaining('are needed') })
    }
  })

  test('after ten attempts in a minute from one address the right password is refused too', async () => {
    const console = await aConsoleServer(world)
    for (let i = 0; i < 10; i++) await attempt(console, { name: 'Ada', password: `guess-${i}` })

    const answer = await attempt(console, { name: 'Ada', password: OPERATOR_PASSWORD })
    expect(answer.status).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.body).toContain('Too many attempts')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await console.ask('GET', '/login')).status).toBe(200)
  })

  test('whoever makes addresses up has sixty attempts in all', async () => {
    const console = await aConsoleServer(world)
    const statuses: number[] = []
    for (let i = 0; i < 65; i++) {
      const headers = { 'x-forwarded-for': `203.0.113.${i}` }
      statuses.push((await attempt(console, { name: 'Ada', password: 'guess' }, headers)).status)
    }
    expect(statuses).toEqual([...Array<number>(60).fill(401), ...Array<number>(5).fill(429)])
  })

  test('without a password nobody can log in, and the page says what to do', async () => {
    const console = await aConsoleServer(world, { CONSOLE_PASSWORD: '', CONSOLE_VIEWER_PASSWORD: '' })
    const page = await console.ask('GET', '/login')
    expect(page.body).toContain('CONSOLE_PASSWORD')
    expect(page.body).not.toContain('type="password"')
    for (const password of ['undefined', 'null', OPERATOR_PASSWORD]) {
      expect((await attempt(console, { name: 'Ada', password })).status).toBe(401)
    }
  })

  test('a viewer’s password alone lets viewers in, and nobody act', async () => {
    const console = await aConsoleServer(world, { CONSOLE_PASSWORD: '' })
    const { cookie } = await console.logIn(VIEWER_PASSWORD)
    expect((await console.ask('GET', '/', { cookie })).body).toContain('read-only')
    expect((await attempt(console, { name: 'Ada', password: OPERATOR_PASSWORD })).status).toBe(401)
  })

  test('passwords may come as files, as Docker secrets do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pulse-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'password'), 'from-a-file-sEcReT\n')
    const console = await aConsoleServer(world, {
      CONSOLE_PASSWORD: '',
      CONSOLE_PASSWORD_FILE: join(folder, 'password'),
    })
    await expect(console.logIn('from-a-file-sEcReT')).resolves.toBeDefined()
  })

  test('letters that a keyboard composes in two ways are the same password', async () => {
    const console = await aConsoleServer(world, { CONSOLE_PASSWORD: 'Stra\u00dfenm\u00fcller' })
    await expect(console.logIn('Stra\u00dfenmu\u0308ller')).resolves.toBeDefined()
  })

  test('each login is a new session; the one that was there before is over', async () => {
    const console = await aConsoleServer(world)
    const first = await console.logIn()
    const planted = { cookie: first.cookie, form: { name: 'Ada', password: OPERATOR_PASSWORD } }
    const second = cookieOf(await console.ask('POST', '/login', planted))

    expect(second).not.toBe(first.cookie)
    expect((await console.ask('GET', '/', { cookie: second })).status).toBe(200)
    expect((await console.ask('GET', '/', { cookie: first.cookie })).status).toBe(303)
    const invented = `pulse=${'B'.repeat(43)}`
    const answer = await console.ask('POST', '/login', { ...planted, cookie: invented })
    expect(cookieOf(answer)).not.toBe(invented)
  })

  test('logging out ends the session itself, not only the cookie', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    const other = await console.logIn(OPERATOR_PASSWORD, 'Grace')

    const out = await console.ask('POST', '/logout', { cookie, form: {} })
    expect(out).toMatchObject({ status: 303, headers: { location: '/login' } })
    expect(out.headers['set-cookie']?.[0]).toMatch(/^pulse=;.*Expires=Thu, 01 Jan 1970/)
    expect((await console.ask('GET', '/', { cookie })).status).toBe(303)
    expect((await console.ask('GET', '/', { cookie: other.cookie })).status).toBe(200)
  })

  test('a session ends after eight hours without a page and after a week in any case', async () => {
    const console = await aConsoleServer(world)
    const age = (column: string, by: string) =>
      world.pool.query(
        `update audit.console_sessions set ${column} = now() - $1::interval where name = 'Methuselah'`,
        [by],
      )
    const { cookie } = await console.logIn(OPERATOR_PASSWORD, 'Methuselah')
    const status = async () => (await console.ask('GET', '/', { cookie })).status

    await age('seen_at', '7 hours 59 minutes')
    expect(await status()).toBe(200)
    expect(await status()).toBe(200)
    await age('created_at', '6 days 23 hours')
    expect(await status()).toBe(200)
    await age('created_at', '7 days 1 minute')
    expect(await status()).toBe(303)
    await age('created_at', '1 hour')
    await age('seen_at', '8 hours 1 minute')
    expect(await status()).toBe(303)
  })

  test('another password throws out everybody who is logged in', async () => {
    const before = await aConsoleServer(world)
    const { cookie } = await before.logIn()
    const same = await aConsoleServer(world)
    expect((await same.ask('GET', '/', { cookie })).status).toBe(200) // another worker, same passwords
    const rotated = await aConsoleServer(world, { CONSOLE_PASSWORD: 'another-sEcReT-2' })
    expect((await rotated.ask('GET', '/', { cookie })).status).toBe(303)
  })

  test('the cookie is for this host alone, for no script, and for TLS where there is TLS', async () => {
    const plain = await aConsoleServer(world)
    const tls = await aConsoleServer(world, { CONSOLE_URL: 'https://pulse.example' })
    const form = { name: 'Ada', password: OPERATOR_PASSWORD }

    expect((await attempt(plain, form)).headers['set-cookie']).toEqual([
      expect.stringMatching(/^pulse=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
    expect((await attempt(tls, form)).headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-pulse=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ])
    expect((await tls.ask('GET', '/login')).headers['strict-transport-security']).toContain('max-age')
    expect((await plain.ask('GET', '/login')).headers['strict-transport-security']).toBeUndefined()
  })

  test('neither cookie nor password is in the warehouse', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    const token = cookie.split('=')[1]!
    const { rows } = await world.pool.query<{ row: string }>(
      'select console_sessions::text as row from audit.console_sessions',
    )
    const text = rows.map(({ row }) => row).join()
    expect(text).not.toContain(token)
    expect(text).not.toContain(Buffer.from(token).toString('hex'))
    expect(text).not.toContain(Buffer.from(token, 'base64url').toString('hex'))
    expect(text).not.toContain('sEcReT')
  })

  describe('goes on to where one wanted to go', () => {
    test.for([
      ['/runs?page=2', '/runs?page=2'],
      ['/dead-letters/1', '/dead-letters/1'],
      ['//evil.example', '/'],
      ['///evil.example', '/'],
      ['/\\evil.example', '/'],
      ['/\\/evil.example', '/'],
      ['/..//evil.example', '/'],
      ['/.//evil.example', '/'],
      ['/%2e%2e//evil.example', '/'],
      ['/runs/..//evil.example', '/'],
      ['/\t/evil.example', '/'],
      ['\t//evil.example', '/'],
      ['/\r\n/evil.example', '/'],
      ['http://evil.example', '/'],
      ['http:evil.example', '/'],
      ['javascript:alert(1)', '/'],
      ['evil.example', '/'],
      ['@evil.example', '/'],
      ['', '/'],
    ])('%j leads to %s', async ([next, path]) => {
      const console = await aConsoleServer(world)
      const { headers } = await attempt(console, { name: 'Ada', password: OPERATOR_PASSWORD, next: next! })
      expect(headers.location).toBe(path)
      expect(new URL(headers.location!, 'http://console.example').host).toBe('console.example')
    })

    test.for(['/%2fevil.example', '/\u0000/evil.example', '/a\r\nset-cookie: x=y', '/ü'])(
      '%j stays on this site, and in its header',
      async (next) => {
        const console = await aConsoleServer(world)
        const { headers } = await attempt(console, { name: 'Ada', password: OPERATOR_PASSWORD, next })
        expect(new URL(headers.location!, 'http://console.example').host).toBe('console.example')
        expect(headers['set-cookie']).toHaveLength(1)
      },
    )
  })

  test('a name is shown as text, and can’t be one that looks like another', async () => {
    const console = await aConsoleServer(world)
    const name = '<img src=x onerror=alert(1)> & "Ada"'
    const { cookie } = await console.logIn(OPERATOR_PASSWORD, name)
    const { body } = await console.ask('GET', '/', { cookie })
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;Ada&quot;')
    expect(body).not.toContain('<img src=x')

    for (const bad of ['Ada\nadmin logged in', 'Ada\u0000', 'Ada\u202eadA', 'Ada\u2028x', 'A'.repeat(81)]) {
      const answer = await attempt(console, { name: bad, password: OPERATOR_PASSWORD })
      expect(answer.status).toBe(401)
    }
    for (const line of console.log().trim().split('\n'))
      expect(() => JSON.parse(line) as unknown).not.toThrow()
    expect((await console.ask('GET', '/login?next="><script>alert(1)</script>')).body).not.toContain(
      '<script>alert',
    )
  })
})

describe('what another site makes a browser send', () => {
  const login = { name: 'Ada', password: OPERATOR_PASSWORD }

  test.for<[string, Record<string, string>, number]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a neighbour under the same domain', { 'sec-fetch-site': 'same-site' }, 403],
    ['this site', { 'sec-fetch-site': 'same-origin' }, 303],
    ['the address bar', { 'sec-fetch-site': 'none' }, 303],
    ['another site, plain HTTP', { origin: 'http://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['another port of this host', { origin: 'http://127.0.0.1:1' }, 403],
    ['the address of the console', { origin: 'https://pulse.example' }, 303],
    ['a program', {}, 303],
  ])('%s', async ([, headers, status]) => {
    const console = await aConsoleServer(world, { CONSOLE_URL: 'https://pulse.example' })
    expect((await console.ask('POST', '/login', { form: login, headers })).status).toBe(status)
    expect((await console.ask('POST', '/logout', { headers })).status).toBe(status)
    expect((await console.ask('GET', '/login', { headers })).status).toBe(200)
  })

  test('the host that was asked is this site, under whatever name', async () => {
    const console = await aConsoleServer(world)
    const headers = { host: 'pulse.lan:8080', origin: 'http://pulse.lan:8080' }
    expect((await console.ask('POST', '/login', { form: login, headers })).status).toBe(303)
  })
})

describe('answers', () => {
  test('carry what keeps a browser from doing more than it should', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    for (const [path, status] of [
      ['/', 200],
      ['/login', 200],
      ['/nowhere', 404],
      ['/api/v1/nowhere', 404],
    ] as const) {
      const answer = await console.ask('GET', path, { cookie })
      expect(answer.status).toBe(status)
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      expect(answer.headers['x-powered-by']).toBeUndefined()
      const policy = answer.headers['content-security-policy'] as string
      expect(policy).not.toContain('unsafe')
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ])
        expect(policy.split(';')).toContain(part)
    }
  })

  test('pages have no script or style in them, which the policy would refuse', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    for (const { path } of routesOf(console.server).filter(
      (r) => r.method === 'GET' && !isApi(r) && !isPublic(r),
    )) {
      const { body, headers } = await console.ask('GET', path.replaceAll(/:[a-z]+/gi, '1'), { cookie })
      if (headers['content-type']?.startsWith('text/html') !== true) continue
      expect(`${path}\n${body}`).not.toMatch(
        /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! type="application\/json">|[^>]* src="\/assets\/)/i,
      )
    }
  })

  test.for([
    '/assets/../server.ts',
    '/assets/..%2fserver.ts',
    '/assets/%2e%2e/config.ts',
    '/assets/',
    '//login',
    '/assets/console.css/../../../package.json',
  ])('%s is no page', async (path) => {
    const console = await aConsoleServer(world)
    const { status, body } = await console.ask('GET', path)
    expect(status).toBe(404)
    expect(body).not.toContain('import ')
  })

  test('an address with a host in it is guarded as its path is', async () => {
    const console = await aConsoleServer(world)
    expect(await console.ask('GET', 'http://evil.example/runs')).toMatchObject({
      status: 303,
      headers: { location: expect.stringMatching(/^\/login\?next=/) as unknown },
    })
    const program = { headers: { authorization: `Bearer ${API_TOKEN}` } }
    expect((await console.ask('GET', 'http://evil.example/api/v1/runs')).status).toBe(401)
    expect((await console.ask('GET', 'http://evil.example/api/v1/runs', program)).status).toBe(200)
  })

  test('OPTIONS, TRACE and what else there is get nothing', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    for (const method of ['OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH'])
      expect((await console.ask(method, '/login', { cookie })).status).toBe(404)
    const head = await console.ask('HEAD', '/', { cookie })
    expect(head).toMatchObject({ status: 200, body: '' })
  })

  test('a stranger can’t send much, and slow requests end', async () => {
    const console = await aConsoleServer(world)
    const { cookie } = await console.logIn()
    const form = `password=${'x'.repeat(20_000)}`
    for (const path of ['/login', '/logout', '/nowhere'])
      expect((await console.ask('POST', path, { form })).status).toBe(413)
    const acts = routesOf(console.server).filter((route) => !isPublic(route) && !reads(route))
    // Turned away before it is read.
    expect(await walk(console, acts, { form })).toEqual(all(acts, 401))
    expect(await walk(console, acts, { form: `_csrf=${'x'.repeat(5 * 2 ** 20)}`, cookie })).toEqual(
      all(acts, 413),
    )
    expect(console.server.server.maxConnections).toBe(500)
    expect(console.server.server.requestTimeout).toBe(30_000)
    expect(console.server.server.headersTimeout).toBeLessThanOrEqual(60_000)
  })

  test('a broken request harms nobody else', async () => {
    const console = await aConsoleServer(world)
    const socket = connect(Number(new URL(console.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.end('GET / HTTP/1.1\r\nbad header\r\n\r\n')
    await waitFor(
      'the connection to be closed',
      () => socket.destroyed || socket.readableEnded || socket.resume().readableEnded,
    )
    expect((await console.ask('GET', '/login')).status).toBe(200)
  })
})

describe('when something fails', () => {
  test('a fault of ours is a page without its details, and a line in the log', async () => {
    const own = await aWorld({ partitions: 1 })
    const console = await aConsoleServer(own)
    const { cookie } = await console.logIn()
    await own.pool.query('alter table audit.console_sessions rename column name to surname')

    const answer = await console.ask('GET', '/', { cookie })
    expect(answer.status).toBe(500)
    expect(answer.body).toContain('the log of this worker')
    expect(answer.body).not.toMatch(/column|select|console_sessions|at .*\.ts/)
    expect(console.log()).toContain('column')
    const program = await console.ask('GET', '/api/v1/nowhere', { cookie })
    expect(JSON.parse(program.body)).toMatchObject({ error: { code: 'not_found' } })
  })

  test('without the warehouse pages say so, with their looks, and come back with it', async () => {
    const gate = await aGate(world.env['DATABASE_URL']!)
    const console = await aConsoleServer(world, { DATABASE_URL: gate.url })
    const { cookie } = await console.logIn()

    gate.close()
    const answer = await console.ask('GET', '/', { cookie })
    expect(answer.status).toBe(503)
    expect(answer.body).toContain('The warehouse does not answer')
    expect((await console.ask('GET', '/assets/console.css', { cookie })).status).toBe(200)
    expect((await console.ask('GET', '/login', { cookie })).status).toBe(200)
    expect(
      (await console.ask('POST', '/login', { form: { name: 'Ada', password: OPERATOR_PASSWORD } })).status,
    ).toBe(503)

    gate.open()
    await waitFor(
      'the page to come back',
      async () => (await console.ask('GET', '/', { cookie })).status === 200,
    )
  })

  test('a page that takes too long says so, and is given up', async () => {
    const own = await aWorld({ partitions: 1 })
    const console = await aConsoleServer(own, {}, 300)
    const { cookie } = await console.logIn()
    const client = await own.pool.connect()
    await client.query('begin; lock table audit.console_sessions')

    const answer = await console.ask('GET', '/', { cookie })
    expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('took too long') as unknown })
    await client.query('rollback')
    client.release()
    expect((await console.ask('GET', '/', { cookie })).status).toBe(200)
  })

  test('no secret is in the log, whatever went wrong', async () => {
    const console = await aConsoleServer(world)
    const { cookie, csrfToken } = await console.logIn()
    const form = { name: 'Ada', password: `${OPERATOR_PASSWORD}x`, _csrf: `${csrfToken}x` }
    const headers = { authorization: `Bearer ${API_TOKEN}x` }
    for (const route of routesOf(console.server)) {
      const body = reads(route) ? {} : { form }
      await console.ask(route.method, reached(route), { ...body, headers })
      await console.ask(route.method, reached(route), { ...body, cookie })
    }
    await console.ask('POST', '/login', {
      form: JSON.stringify(form),
      headers: { 'content-type': 'application/json' },
    })
    await console.ask('POST', '/login', {
      form: '{"password":"half-sEcReT',
      headers: { 'content-type': 'application/json' },
    })

    expect(console.log()).toContain('somebody failed to log in')
    expect(console.log()).toContain('the console refused')
    expect(console.log()).not.toContain('sEcReT')
    expect(console.log()).not.toContain(cookie.split('=')[1])
    expect(console.log()).not.toContain(csrfToken)
    expect(Object.values(CONSOLE_ENV).some((secret) => console.log().includes(secret))).toBe(false)
  })
})

/** A way to a database that can be shut. */
async function aGate(databaseUrl: string): Promise<{ url: string; open(): void; close(): void }> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isOpen = true
  const server = createServer((inside) => {
    if (!isOpen) {
      inside.destroy()
      return
    }
    const outside = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => sockets.delete(from))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    open: () => (isOpen = true),
    close: () => {
      isOpen = false
      for (const socket of sockets) socket.destroy()
    },
  }
}
