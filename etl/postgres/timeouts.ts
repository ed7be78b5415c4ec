/**
 * How long anything that has to do with the warehouse may take, in milliseconds. Each is longer than those
 * before it, so that the one that fires is the one that knows best what is wrong, and what it costs least:
 *
 * - `connect`: also how long to wait for a connection of the pool that is free.
 * - `lock`: a rival that lives lets go in milliseconds; one that hangs is freed by `idleInTransaction`, and
 *   until then whoever waits is better off trying again.
 * - `begin`: a server that is there answers it at once. A connection that is dead without knowing it is found
 *   out here, before there is anything to lose.
 * - `idleInTransaction`: a client that hangs inside its transaction loses it, and with it the partition's row,
 *   before anybody would have waited for a statement's whole time.
 * - `statement`: a load that takes this long is too large; half of it is tried next.
 * - `answer`: the client gives up only after the server gave up, so that it never leaves a statement running.
 *   Where the server is silently gone this is how long it takes to see it: within a minute.
 * - `transaction`: some statements, each within its own time, hold locks together no longer than this.
 */
export const TIMEOUTS = {
  connect: 5_000,
  lock: 5_000,
  begin: 10_000,
  idleInTransaction: 15_000,
  statement: 50_000,
  answer: 55_000,
  transaction: 120_000,
} as const

/** Before an idle connection is probed, each second and ten times (libuv's own choice). */
export const KEEP_ALIVE_AFTER_MS = 10_000

/**
 * The same from the server's side, for each session: a client that vanished is noticed after 30 s of silence
 * and three probes, or when what it was sent is not taken for 30 s; a statement whose client has closed ends
 * within 5 s, rather than when it is done.
 */
export const SERVER_WATCHES_CLIENT = `
  set tcp_keepalives_idle = '30s'; set tcp_keepalives_interval = '10s'; set tcp_keepalives_count = 3;
  set tcp_user_timeout = '30s'; set client_connection_check_interval = '5s'`
