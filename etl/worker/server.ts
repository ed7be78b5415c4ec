import cookies from '@fastify/cookie'
import forms from '@fastify/formbody'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import fastify from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { api, apiRoutes } from '../api/api.ts'
import { assets } from '../console/assets.ts'
import { under, type Console, type Server } from '../web/context.ts'
import { handleErrors } from '../console/errors.ts'
import { guard } from '../web/guard.ts'
import type { Html } from '../console/html.ts'
import { loginPages } from '../console/login.ts'
import { consolePages } from '../console/pages.ts'
import { Sessions } from '../web/sessions.ts'

/** What the outside may ask about this worker's state; each answer names what is wrong, if anything. */
export interface Health {
  /** Undefined while ticks are attempted on time. */
  late(): string | undefined
  /** Undefined while Kafka and the warehouse answer and the group gave us our share. */
  notReady(): Promise<string | undefined>
}

/** What Prometheus is told. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

/** Nothing but what this server itself serves, no inline script or style, in nobody's frame. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    objectSrc: ["'none'"],
  },
}

/**
 * Milliseconds. Whoever is slow with the headers gets least, the whole request may bring a value of megabytes,
 * and a connection on which nothing moves is closed only when no answer can be under way any more.
 */
const HTTP_TIMEOUTS = { headers: 10_000, request: 30_000, silence: 60_000 }

/** Of whoever is not known; the guard lets operators send more. */
const BODY_BYTES = 16 * 1024
/** Beyond these a connection is closed as soon as it comes: strangers can't use up the worker's file descriptors. */
const MAX_CONNECTIONS = 500

/**
 * The worker's HTTP server: /healthz for the supervisor (restart me), /readyz for whoever waits for it,
 * /metrics for Prometheus, and the console and its API for operators.
 *
 * @param port 0 takes any free one.
 * @throws Error that names HTTP_PORT where it can't be had.
 */
export async function startServer(
  health: Health,
  metrics: MetricsText,
  consoles: readonly Console[],
  port: number,
): Promise<Server> {
  const [console] = consoles as [Console]
  const server = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES,
    requestTimeout: HTTP_TIMEOUTS.request,
    connectionTimeout: HTTP_TIMEOUTS.silence,
    http: { headersTimeout: HTTP_TIMEOUTS.headers, connectionsCheckingInterval: 5_000 },
    // A reverse proxy on a private network says for whom it asks; nobody else is believed.
    trustProxy: 'loopback, linklocal, uniquelocal',
  }).withTypeProvider<ZodTypeProvider>()
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.decorate('place', undefined)
  server.decorateReply('html', function (content: Html) {
    const text = content.toString()
    const prefix = this.server.place?.under ?? ''
    return this.type('text/html; charset=utf-8').send(
      prefix === '' ? text : text.replace(LINKS, `$1${prefix}/`),
    )
  })
  await server.register(helmet, {
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
    // TLS ends at the proxy, which says it for the site.
    strictTransportSecurity: console.config.CONSOLE_URL.startsWith('https:'),
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  })
  await server.register(cookies)
  await server.register(forms)
  await server.register(rateLimit, { global: false })
  const sessions = new Sessions(console.pool, console.config)
  guard(server, { sessions, config: console.config })
  handleErrors(server, console.logger)

  healthRoutes(server, health, metrics)
  assets(server)
  loginPages(server, console, sessions)
  await server.register((scope: Server) => api(scope, console), { prefix: '/api/v1' })
  await pagesOf(server, console, '')
  for (const one of consoles) {
    const prefix = under(one.stream.name)
    await pagesOf(server, one, prefix)
    await server.register((scope: Server) => apiRoutes(scope, one), { prefix: `/api/v1${prefix}` })
  }

  server.server.maxConnections = MAX_CONNECTIONS
  await server.listen({ port, host: '0.0.0.0' }).catch((error: unknown) => {
    throw new Error(`HTTP_PORT ${port} can't be opened: ${(error as Error).message}`, { cause: error })
  })
  return server
}

/** Links and targets of forms in a page, as its code writes them; what is no stream's own stays where it is. */
const LINKS = /(\s(?:href|action|formaction)=")\/(?!assets\/|login|logout|api\/|streams\/)/g

/**
 * The pages of a stream. Their code writes paths as if there were no other stream: the prefix is put before them here,
 * in links, forms and redirects, so that an operator never leaves one stream for another unawares. Text can't be taken for a
 * link: its quotation marks are escaped.
 */
async function pagesOf(server: Server, console: Console, prefix: string): Promise<void> {
  await server.register(
    (scope: Server, _options, done) => {
      const { streams, pages, stream } = console
      scope.place = { streams, pages, stream: stream.name, under: prefix }
      if (prefix !== '')
        scope.addHook('onSend', (_request, reply, payload, next) => {
          const location = reply.getHeader('location')
          if (typeof location === 'string' && location.startsWith('/') && !location.startsWith('/streams/'))
            reply.header('location', prefix + location)
          next(null, payload)
        })
      consolePages(scope, console)
      done()
    },
    { prefix },
  )
}

function healthRoutes(server: Server, health: Health, metrics: MetricsText): void {
  const open = { config: { access: 'public' } } as const
  server.get('/healthz', open, (_request, reply) => {
    const problem = health.late()
    return reply.code(problem === undefined ? 200 : 503).send(verdict(problem))
  })
  server.get('/readyz', open, async (_request, reply) => {
    const problem = await health.notReady()
    return reply.code(problem === undefined ? 200 : 503).send(verdict(problem))
  })
  server.get('/metrics', open, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  )
}

const verdict = (problem: string | undefined) =>
  problem === undefined ? { status: 'ok' } : { status: 'failing', problem }
