import { createHash, createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import type { Pool } from 'pg'
import { and, eq, gt, sql } from '../postgres/drizzle.ts'
import { columnsOf, on } from '../postgres/query.ts'
import type { Config } from '../process/config.ts'
import { consoleSessions, type OPERATOR_ROLES } from '../schema/operations.ts'

export type Role = (typeof OPERATOR_ROLES)[number]

/** Somebody who is logged in. */
export interface Session {
  /** As they called themselves when they logged in: it is what the record of actions shows. */
  readonly name: string
  readonly role: Role
  /** Must come with each form: another site can send the cookie, but can't read this. */
  readonly csrfToken: string
}

type Passwords = Pick<Config<'console'>, 'CONSOLE_PASSWORD' | 'CONSOLE_VIEWER_PASSWORD'>

/** Logged out after so long without a page, and after so long in any case (ASVS 7.3.1, 7.3.2). */
const IDLE_HOURS = 8
const MAX_HOURS = 24 * 7

/** Who is logged in, in the warehouse: any worker may serve the next page. */
export class Sessions {
  readonly #pool: Pool
  readonly #key: Buffer

  constructor(pool: Pool, { CONSOLE_PASSWORD, CONSOLE_VIEWER_PASSWORD }: Passwords) {
    this.#pool = pool
    // Another password is another key, which finds none of the old sessions: whoever had the old password
    // is out. Slow to make, or someone who has a cookie and reads the table could try passwords against it.
    const passwords = JSON.stringify([CONSOLE_PASSWORD ?? null, CONSOLE_VIEWER_PASSWORD ?? null])
    this.#key = scryptSync(passwords, 'console sessions', 32)
  }

  /** @returns the cookie's value: 256 random bits, new at each login. */
  async open(name: string, role: Role): Promise<string> {
    const token = randomBytes(32).toString('base64url')
    const csrfToken = randomBytes(32).toString('base64url')
    await on(this.#pool)
      .insert(consoleSessions)
      .values({ tokenHash: this.#hash(token), name, role, csrfToken })
    return token
  }

  /** Who has this cookie, if the session still lasts. Each look keeps it alive, written down once a minute. */
  async find(token: string): Promise<Session | undefined> {
    const { tokenHash, seenAt, createdAt } = consoleSessions
    const isIt = eq(tokenHash, this.#hash(token))
    const [found] = await on(this.#pool)
      .select({
        ...columnsOf(consoleSessions, 'name', 'role', 'csrfToken'),
        stale: sql<boolean>`${seenAt} < now() - interval '1 minute'`,
      })
      .from(consoleSessions)
      .where(and(isIt, gt(seenAt, hoursAgo(IDLE_HOURS)), gt(createdAt, hoursAgo(MAX_HOURS))))
      .prepare('find-session')
      .execute()
    if (found === undefined) return undefined
    const { stale, ...session } = found
    if (stale) {
      // A warehouse that takes no writes may be looked at all the same: the pages say what is wrong with it.
      await on(this.#pool)
        .update(consoleSessions)
        .set({ seenAt: sql`now()` })
        .where(isIt)
        .catch(() => undefined)
    }
    return session
  }

  async close(token: string): Promise<void> {
    await on(this.#pool)
      .delete(consoleSessions)
      .where(eq(consoleSessions.tokenHash, this.#hash(token)))
  }

  #hash(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest()
  }
}

const hoursAgo = (hours: number) => sql`now() - make_interval(hours => ${hours})`

/**
 * Whose password this is. Nothing slow: the passwords themselves are in the environment, so there is no hash
 * to protect, and the limit on attempts is what keeps people from trying.
 */
export function roleOf(
  given: string,
  { CONSOLE_PASSWORD, CONSOLE_VIEWER_PASSWORD }: Passwords,
): Role | undefined {
  const isOperator = isPassword(given, CONSOLE_PASSWORD)
  const isViewer = isPassword(given, CONSOLE_VIEWER_PASSWORD)
  if (isOperator) return 'operator'
  return isViewer ? 'viewer' : undefined
}

const isPassword = (given: string, known: string | undefined): boolean =>
  known !== undefined && sameSecret(given.normalize('NFC'), known.normalize('NFC'))

/** Compares without telling by its time how much of it was right. */
export function sameSecret(given: string, known: string): boolean {
  return timingSafeEqual(sha256(given), sha256(known))
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
