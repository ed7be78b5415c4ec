import { once } from 'node:events'
import { runCommand } from './command-failure.ts'
import { startServers } from './servers/index.ts'

const HELP = `Starts a Kafka and a Postgres of their own and keeps them until Ctrl-C; nothing is left after it.

  npm run servers
  PULSE_SERVERS=docker npm run servers    containers only
  PULSE_SERVERS=local npm run servers     processes of this machine only (Java 17+, Maven)

Standard output gets the variables that the other commands read, for another terminal.`

async function keepServers(): Promise<number> {
  // No handler before they run: Ctrl-C then ends us at once, and the watchdog them.
  const servers = await startServers()
  console.log(`export KAFKA_BROKERS=${servers.kafkaBrokers}\nexport DATABASE_URL=${servers.databaseUrl}`)
  console.error('They run until Ctrl-C.')
  const alive = setInterval(() => {}, 3_600_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
  await servers.stop()
  return 0
}

await runCommand(HELP, keepServers)
