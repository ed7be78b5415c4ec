import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../process/config.ts'
import type { Operator } from '../operations/actions.ts'
import type { Server } from './context.ts'
import { sameSecret, type Session, type Sessions } from './sessions.ts'

/**
 * Who may call a route: `public` anybody, `view` who is logged in, `act` operators only; what changes
 * something also wants the token that shows that they mean it. Each route says its access; one that doesn't
 * keeps the server from starting.
 */
type Access = 'public' | 'view' | 'act'

/** A route's options: its access, and the schemas of what it takes. */
interface Route<T> {
  config: { access: Access }
  schema: T
}
export const view = <T extends object>(schema: T = {} as T): Route<T> => ({
  config: { access: 'view' },
  schema,
})
export const act = <T extends object>(schema: T = {} as T): Route<T> => ({
  config: { access: 'act' },
  schema,
})

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    /** Who is logged in; undefined on public routes, which don't ask. */
    visitor: Visitor | undefined
  }
}

export interface Visitor {
  readonly operator: Operator
  /** Undefined for a program with the API token, which no browser sends by itself. */
  readonly csrfToken: string | undefined
  /** Whether this visitor may act at all: an operator, and the console not read-only. */
  readonly mayAct: boolean
}

/** A refusal with its status; pages and API render it each in their way. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

const API_PREFIX = '/api/'
const CSRF_FIELD = '_csrf'
const CSRF_HEADER = 'x-csrf-token'

/** A corrected value may be as large as a record, and a form writes each byte as up to three. */
const ACT_BODY_BYTES = 4 * 1024 * 1024

/** By the route's own path: what the client wrote may be a whole address (RFC 9112, absolute-form). */
export const isApi = (request: FastifyRequest): boolean =>
  (request.routeOptions.url ?? request.url).startsWith(API_PREFIX)

const onlyReads = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** `__Host-`: the browser sends it only by TLS and to this very host. Not to be had without TLS. */
export const sessionCookie = (config: Config<'console'>): string =>
  config.CONSOLE_URL.startsWith('https:') ? '__Host-pulse' : 'pulse'

/**
 * The one place that decides who may do what. Permission is checked here for every route, whatever its page
 * shows or hides.
 */
export function guard(
  server: Server,
  { sessions, config }: { readonly sessions: Sessions; readonly config: Config<'console'> },
): void {
  const cookie = sessionCookie(config)
  server.decorateRequest('visitor', undefined)

  server.addHook('onRoute', (route) => {
    const name = `${String(route.method)} ${route.url}`
    const access = route.config?.access
    const changes = ![route.method].flat().every(onlyReads)
    if (access === undefined) throw new Error(`${name} does not say who may call it (config.access)`)
    if (changes && access === 'view')
      throw new Error(`${name} changes something: access must be act or public`)
    // A body is kept in memory while it comes: only who may act sends a large one.
    if (access === 'act') route.bodyLimit ??= ACT_BODY_BYTES
  })

  server.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    if (request.is404) return undefined
    if (isCrossOrigin(request, config.CONSOLE_URL)) throw new Refused(403, 'Another site sent this request.')
    const { access } = request.routeOptions.config
    if (access === 'public') return undefined
    request.visitor = await visitorOf(request)
    if (request.visitor === undefined) return turnAway(request, reply)
    if (access === 'act' && !request.visitor.mayAct) {
      throw new Refused(
        403,
        config.CONSOLE_READ_ONLY
          ? 'The console is read-only (CONSOLE_READ_ONLY).'
          : 'You are logged in as a viewer, who may look and not act.',
      )
    }
    return undefined
  })

  // After the body was read, as a form's token is in it; before a schema takes away what it doesn't know.
  server.addHook('preValidation', (request, _reply, done) => {
    if (onlyReads(request.method) || request.visitor?.csrfToken === undefined) return done()
    const given = tokenOf(request)
    if (given !== undefined && sameSecret(given, request.visitor.csrfToken)) return done()
    return done(new Refused(403, 'The form has no valid token: load the page again and repeat what you did.'))
  })

  async function visitorOf(request: FastifyRequest): Promise<Visitor | undefined> {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (bearer !== undefined && isApi(request)) return byToken(bearer)
    const token = request.cookies[cookie]
    const session = token === undefined ? undefined : await sessions.find(token)
    return session && bySession(session, request)
  }

  function byToken(given: string): Visitor | undefined {
    const known = config.CONSOLE_API_TOKEN
    if (known === undefined || !sameSecret(given, known)) return undefined
    const mayAct = !config.CONSOLE_READ_ONLY
    return { operator: { name: 'API token', via: 'api' }, csrfToken: undefined, mayAct }
  }

  function bySession({ name, role, csrfToken }: Session, request: FastifyRequest): Visitor {
    const mayAct = role === 'operator' && !config.CONSOLE_READ_ONLY
    return { operator: { name, via: isApi(request) ? 'api' : 'console' }, csrfToken, mayAct }
  }
}

/**
 * Whether a browser sent this for a page of another origin, which the cookie's SameSite doesn't tell of a
 * neighbour under the same domain. Sec-Fetch-Site says it, and over plain HTTP, where browsers leave that
 * out, Origin. Programs send neither, and no cookie by themselves.
 */
function isCrossOrigin(request: FastifyRequest, consoleUrl: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (onlyReads(request.method)) return false
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined || origin === consoleUrl) return false
  return !URL.canParse(origin) || new URL(origin).host !== request.host
}

function tokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers[CSRF_HEADER]
  if (typeof header === 'string') return header
  const field = (request.body as Record<string, unknown> | null | undefined)?.[CSRF_FIELD]
  return typeof field === 'string' ? field : undefined
}

function turnAway(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (isApi(request)) {
    void reply.header('www-authenticate', 'Bearer')
    throw new Refused(401, 'Log in, or send the API token: Authorization: Bearer …')
  }
  if (!onlyReads(request.method)) throw new Refused(401, 'You are no longer logged in. Nothing was done.')
  return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303)
}
