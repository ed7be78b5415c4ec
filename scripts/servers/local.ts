import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bothOrNone } from './both-or-none.ts'
import { KAFKA_VERSION } from './kafka.ts'
import { startLocalKafka } from './local-kafka.ts'
import { startLocalPostgres } from './local-postgres.ts'
import { temporaryPlace } from './temporary-place.ts'
import type { Servers, StartPlan } from './types.ts'
import { Watchdog } from './watchdog.ts'

/**
 * Both servers as processes of ours, side by side, with everything they write in one directory.
 * @throws Error with what failed; nothing is left then.
 */
export async function startLocal(plan: StartPlan): Promise<Servers> {
  const { directory, watchdog } = watchedDirectory()
  const [postgres, [kafka]] = await bothOrNone(watchdog, [
    startLocalPostgres(directory, watchdog, plan),
    startLocalKafka(directory, watchdog, plan),
  ])
  return {
    mode: 'local',
    description: `local processes: PostgreSQL ${postgres.version}, Kafka ${KAFKA_VERSION}`,
    kafkaBrokers: kafka!.address,
    databaseUrl: postgres.databaseUrl,
    kafka: kafka!.control,
    postgres: postgres.control,
    stop: () => watchdog.end(),
  }
}

/** A directory for all that servers write, and the watchdog that ends them and removes it. */
export function watchedDirectory(): { directory: string; watchdog: Watchdog } {
  const directory = join(temporaryPlace(), `pulse-servers-${randomBytes(6).toString('hex')}`)
  const watchdog = new Watchdog(directory)
  mkdirSync(directory, { mode: 0o711 }) // the user who runs Postgres goes through it, and no one lists it
  return { directory, watchdog }
}
