import { getContainerRuntimeClient } from 'testcontainers'

/**
 * The watchdog's hand for containers, given their names: what Testcontainers found when it started them,
 * it finds again here, so no docker command is needed.
 */
const { container: containers } = await getContainerRuntimeClient()
const removals = process.argv
  .slice(2)
  .map((name) => containers.getById(name).remove({ force: true, v: true }))
for (const removal of await Promise.allSettled(removals)) {
  const gone = removal.status === 'rejected' && (removal.reason as { statusCode?: number }).statusCode === 404
  if (removal.status === 'rejected' && !gone) throw removal.reason
}
