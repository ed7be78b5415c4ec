import { startServers, type Mode } from '../../scripts/servers/index.ts'
import { postgresVersion } from '../../scripts/servers/postgres.ts'

/**
 * A program as demo and bench are: starts servers as its argument says, prints where they are, and at SIGINT
 * still uses them before it stops them. SIGUSR2 makes it end by an exception that nobody catches.
 */
const servers = await startServers({ only: process.argv[2] as Mode, say: () => {} })
const alive = setInterval(() => {}, 3_600_000)

process.on('SIGUSR2', () => {
  throw new Error('A defect')
})
process.on('SIGINT', () => {
  void (async () => {
    process.stdout.write(`at the end: ${await postgresVersion(servers.databaseUrl)}\n`)
    await servers.stop()
    clearInterval(alive)
  })()
})
const { kafkaBrokers, databaseUrl } = servers
process.stdout.write(`ready ${JSON.stringify({ kafkaBrokers, databaseUrl })}\n`)
