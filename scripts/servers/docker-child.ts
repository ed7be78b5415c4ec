import { within } from './wait.ts'

/**
 * What is asked of Docker in a process of its own.
 *
 *   docker-child.ts probe                 prints why no engine can be used, or nothing if one answers: a
 *                                         connection to an engine that keeps silent can't be given up, and
 *                                         would keep any program from ending
 *   docker-child.ts remove <name> ...     the watchdog's hand for containers: what Testcontainers found when
 *                                         it started them, it finds again here, so no docker command is needed
 */
const ANSWER_LIMIT_MS = 3_000

const [task, ...names] = process.argv.slice(2)
if (task === 'remove') await removeContainers(names)
else {
  const reason = await whyNoEngine()
  if (reason !== undefined) console.log(reason)
  process.exit()
}

async function whyNoEngine(): Promise<string | undefined> {
  const testcontainers = await import('testcontainers').catch(() => undefined)
  if (testcontainers === undefined) return 'the npm package testcontainers is not installed'
  try {
    await within(ANSWER_LIMIT_MS, 'its answer', testcontainers.getContainerRuntimeClient())
    return undefined
  } catch (error) {
    return `no Docker engine answers (${(error as Error).message})`
  }
}

async function removeContainers(containers: readonly string[]): Promise<void> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const engine = await getContainerRuntimeClient()
  const removals = containers.map((name) => engine.container.getById(name).remove({ force: true, v: true }))
  for (const removal of await Promise.allSettled(removals)) {
    const gone =
      removal.status === 'rejected' && (removal.reason as { statusCode?: number }).statusCode === 404
    if (removal.status === 'rejected' && !gone) throw removal.reason
  }
}
