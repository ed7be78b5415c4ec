import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Console, Server } from '../web/context.ts'
import { Refused, sessionCookie } from '../web/guard.ts'
import { html, nothing, type Html } from './html.ts'
import { barePage } from './layout.ts'
import { roleOf, type Sessions } from '../web/sessions.ts'

/** Names stand in the record of actions and in logs: nothing that could make one look like another. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

const Credentials = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .refine((name) => !UNPRINTABLE.test(name)),
  password: z.string().min(1).max(1_000),
  next: z.string().catch('/'),
})
const Next = z.object({ next: z.string().catch('/') })

/**
 * Attempts in a minute: from one address, and from all. The second is for whoever makes addresses up; it
 * keeps others from logging in meanwhile, but not those who are, nor `pulse`.
 */
const ATTEMPTS_OF_ONE = 10
const ATTEMPTS_OF_ALL = 60

export function loginPages(server: Server, { config, logger }: Console, sessions: Sessions): void {
  const locked = config.CONSOLE_PASSWORD === undefined && config.CONSOLE_VIEWER_PASSWORD === undefined
  const cookie = sessionCookie(config)
  const secure = cookie.startsWith('__Host-')

  server.get('/login', { config: { access: 'public' } }, (request, reply) =>
    reply.html(loginPage({ next: Next.parse(request.query).next, locked })),
  )

  server.post(
    '/login',
    { config: { access: 'public' }, onRequest: limitAttempts(server) },
    async (request, reply) => {
      const form = Credentials.safeParse(request.body)
      const role = form.success ? roleOf(form.data.password, config) : undefined
      if (!form.success || role === undefined) {
        logger.warn({ ip: request.ip }, 'somebody failed to log in to the console')
        const next = Next.safeParse(request.body).data?.next ?? '/'
        const problem = form.success
          ? 'That is not the password.'
          : 'A name of at most 80 characters and a password are needed.'
        return reply.code(401).html(loginPage({ next, locked, problem }))
      }
      // A new session at each login, so that one that was planted before is worth nothing.
      const old = request.cookies[cookie]
      if (old !== undefined) await sessions.close(old)
      const token = await sessions.open(form.data.name, role)
      logger.info({ name: form.data.name, role, ip: request.ip }, 'logged in to the console')
      return reply
        .setCookie(cookie, token, { path: '/', httpOnly: true, sameSite: 'lax', secure })
        .redirect(ownPath(form.data.next), 303)
    },
  )

  server.post('/logout', { config: { access: 'public' } }, async (request, reply) => {
    const token = request.cookies[cookie]
    if (token !== undefined) await sessions.close(token)
    return reply.clearCookie(cookie, { path: '/', secure }).redirect('/login', 303)
  })
}

function limitAttempts(server: Server) {
  const limits = [
    server.createRateLimit({ max: ATTEMPTS_OF_ONE, timeWindow: '1 minute' }),
    server.createRateLimit({ max: ATTEMPTS_OF_ALL, timeWindow: '1 minute', keyGenerator: () => 'all' }),
  ]
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    for (const limit of limits) {
      const seen = await limit(request)
      if (seen.isAllowed || !seen.isExceeded) continue
      void reply.header('retry-after', seen.ttlInSeconds)
      throw new Refused(429, `Too many attempts to log in. Try again in ${seen.ttlInSeconds} s.`)
    }
  }
}

/**
 * A path of this console, whatever somebody put into the link: never another site's address, which two
 * slashes would begin, also where they are left of `/..//evil.example`.
 */
function ownPath(next: string): string {
  const base = 'http://console.invalid'
  if (!next.startsWith('/') || !URL.canParse(next, base)) return '/'
  const url = new URL(next, base)
  const path = url.pathname + url.search
  return url.origin === base && !path.startsWith('//') ? path : '/'
}

function loginPage({ next, locked, problem }: { next: string; locked: boolean; problem?: string }): Html {
  return barePage(
    'Log in',
    locked
      ? html`<p class="notice bad">
          Nobody can log in: <code>CONSOLE_PASSWORD</code> is not set. Set it (12 characters or more) for the
          ETL and start it again.
        </p>`
      : html`<form method="post" action="/login" class="login">
          ${problem === undefined ? nothing : html`<p class="notice bad" role="alert">${problem}</p>`}
          <input type="hidden" name="next" value="${next}" />
          <label
            >Your name <input name="name" required maxlength="80" autocomplete="username" autofocus
          /></label>
          <p class="hint">The record of actions shows it.</p>
          <label
            >Password <input name="password" type="password" required autocomplete="current-password"
          /></label>
          <button class="primary">Log in</button>
        </form>`,
  )
}
