import { request as send, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import type { Server, StreamPages } from '../../etl/web/context.ts'
import { pages } from '../../streams/pages.ts'
import { startServer, type Health } from '../../etl/worker/server.ts'
import { describeError } from '../../etl/process/log.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import type { Child } from './child.ts'
import type { World } from './world.ts'

/** There may be none. */
const ofStreams: readonly StreamPages[] = pages

export const OPERATOR_PASSWORD = 'operators-sEcReT-1'
export const VIEWER_PASSWORD = 'viewers-sEcReT-22'
export const API_TOKEN = 'programs-sEcReT-0123456789-0123456789'

/** Who may log in, and with what. */
export const CONSOLE_ENV = {
  CONSOLE_PASSWORD: OPERATOR_PASSWORD,
  CONSOLE_VIEWER_PASSWORD: VIEWER_PASSWORD,
  CONSOLE_API_TOKEN: API_TOKEN,
}

/** Where an ETL's console is, once it is. */
export async function addressOf(etl: Child): Promise<string> {
  const ready = await etl.waitForLine('ready')
  return `http://127.0.0.1:${new URL(String(ready['address'])).port}`
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form, or as it stands where it is text. */
  readonly form?: Readonly<Record<string, string>> | string
  readonly cookie?: string | undefined
}

export interface LoggedIn {
  /** `name=value`, as a browser sends it. */
  readonly cookie: string
  readonly csrfToken: string
}

/** The worker's HTTP server in this process, over a world's warehouse, without a worker. */
export interface ConsoleServer {
  readonly url: string
  readonly server: Server
  /** All that it logged, as it was written. */
  log(): string
  /** The path goes out as it is given: nothing is put right, no redirect followed. */
  ask(method: string, path: string, what?: Ask): Promise<Answer>
  logIn(password?: string, name?: string): Promise<LoggedIn>
}

const FINE: Health = { late: () => undefined, notReady: () => Promise.resolve(undefined) }
const NO_METRICS = { contentType: 'text/plain', text: () => Promise.resolve('') }

/** Closed when the test ends. */
export async function aConsoleServer(
  world: World,
  env: Readonly<Record<string, string>> = {},
  statementTimeoutMs = 10_000,
): Promise<ConsoleServer> {
  const config = readConfig(['kafka', 'database', 'etl', 'console', 'alerts', 'housekeeping'], {
    ...world.env,
    ...CONSOLE_ENV,
    ...env,
  })
  let log = ''
  const logger = pino(
    { level: 'trace', serializers: { err: describeError } },
    { write: (line: string) => void (log += line) },
  )
  const pool = createPool(config, 'pulse_loader', logger, { connections: 3, statementTimeoutMs })
  const { kafka } = world
  const server = await startServer(
    FINE,
    NO_METRICS,
    [
      {
        pool,
        kafka,
        stream: world.stream,
        streams: [world.stream.name],
        pages: ofStreams.filter((page) => page.stream === world.stream.name),
        maxAgeDays: config.TRANSACTION_MAX_AGE_DAYS,
        config,
        logger,
        worker: 'test',
        unwritable: () => undefined,
      },
    ],
    0,
  )
  onTestFinished(async () => {
    await server.close()
    await pool.end()
  })
  const { port } = server.server.address() as AddressInfo
  const ask = (method: string, path: string, what?: Ask) => exchange(port, method, path, what)
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    log: () => log,
    ask,
    logIn: async (password = OPERATOR_PASSWORD, name = 'Ada') => {
      const answer = await ask('POST', '/login', { form: { name, password } })
      const cookie = cookieOf(answer)
      if (cookie === undefined) throw new Error(`no cookie: ${answer.status} ${answer.body}`)
      const { rows } = await world.pool.query<{ csrf_token: string }>(
        'select csrf_token from audit.console_sessions order by created_at desc limit 1',
      )
      return { cookie, csrfToken: rows[0]!.csrf_token }
    },
  }
}

/** What a browser would send back of the answer's cookie. */
export const cookieOf = ({ headers }: Answer): string | undefined => headers['set-cookie']?.[0]?.split(';')[0]

async function exchange(
  port: number,
  method: string,
  path: string,
  { headers = {}, form, cookie }: Ask = {},
): Promise<Answer> {
  const body = typeof form === 'object' ? new URLSearchParams(form).toString() : form
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const outgoing = send(
    {
      port,
      host: '127.0.0.1',
      method,
      path,
      headers: {
        ...(body === undefined
          ? {}
          : {
              'content-type': 'application/x-www-form-urlencoded',
              'content-length': String(Buffer.byteLength(body)),
            }),
        ...(cookie === undefined ? {} : { cookie }),
        ...headers,
      },
    },
    (answer) =>
      void text(answer).then(
        (said) => resolve({ status: answer.statusCode!, headers: answer.headers, body: said }),
        reject,
      ),
  )
  outgoing.on('error', reject)
  outgoing.end(body)
  return promise
}

export interface Route {
  readonly method: string
  /** As it was declared: `/runs/:id`. */
  readonly path: string
}

/** Every route that the server has, read from the tree that it prints. */
export function routesOf(server: Server): Route[] {
  const parents: string[] = []
  return server
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const node = /^(?<indent>(?:[│ ] {3})*)[├└]── (?<part>.*?)(?: \((?<methods>[A-Z, ]+)\))?$/u.exec(
        line,
      )?.groups
      if (node === undefined) return []
      const depth = node['indent']!.length / 4
      const path = (depth === 0 ? '' : parents[depth - 1]!) + node['part']!
      parents[depth] = path
      return (node['methods']?.split(', ') ?? []).map((method) => ({ method, path }))
    })
}
