import { inject } from 'vitest'
import { startServers, type ServerControl, type Servers } from '../../scripts/servers/index.ts'

/** A Kafka and a Postgres that a test may stop and kill: nobody else uses them. */
export type OwnServers = Servers & { readonly kafka: ServerControl; readonly postgres: ServerControl }

/** Starts them, local ones first; gives the reason, for a skip, where this machine can't have any. */
export async function ownServers(): Promise<OwnServers | string> {
  const reasons: string[] = []
  for (const only of inject('mode') === 'docker'
    ? (['docker', 'local'] as const)
    : (['local', 'docker'] as const)) {
    try {
      return (await startServers({ only, say: () => undefined })) as OwnServers
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  return `no servers of its own to be had: ${reasons.join('; ')}`
}
