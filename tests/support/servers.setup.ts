import type { TestProject } from 'vitest/node'
import { startServers, type Mode } from '../../scripts/servers/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    kafkaBrokers: string
    /** A maintenance database; each test makes its own with createDatabase(). */
    databaseUrl: string
    mode: Mode
  }
}

/** One Kafka and one Postgres for all integration tests; the tests take `inject('kafkaBrokers')` and so on. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startServers()
  project.provide('kafkaBrokers', servers.kafkaBrokers)
  project.provide('databaseUrl', servers.databaseUrl)
  project.provide('mode', servers.mode)
  return () => servers.stop()
}
