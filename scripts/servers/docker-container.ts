import { randomBytes } from 'node:crypto'
import { GenericContainer, type ContainerRuntimeClient } from 'testcontainers'
import type { ServerControl } from './types.ts'
import { waitFor } from './wait.ts'
import type { Watchdog } from './watchdog.ts'

const START_LIMIT_MS = 90_000

export interface Recipe {
  /** "Kafka", for people and, in lower case, in the container's name. */
  readonly name: string
  readonly image: string
  readonly port: { readonly container: number; readonly host: number }
  readonly environment: Record<string, string>
  readonly command?: string[]
  readonly answers: () => Promise<string | boolean | undefined>
}

/**
 * Starts a container on a fixed host port, the same after a restart, and waits until its server answers.
 *
 * Testcontainers' own clean-up container is not used (`withAutoCleanup(false)`): it is one more image to
 * pull, and our watchdog does the same for containers and processes.
 */
export async function startContainer(
  engine: ContainerRuntimeClient,
  watchdog: Watchdog,
  recipe: Recipe,
): Promise<ServerControl> {
  const name = `pulse-${recipe.name.toLowerCase()}-${randomBytes(6).toString('hex')}`
  watchdog.watchContainer(name) // before there is one: nothing can come between
  const container = new GenericContainer(recipe.image)
    .withName(name)
    .withExposedPorts(recipe.port)
    .withEnvironment(recipe.environment)
    .withAutoCleanup(false)
    .withStartupTimeout(START_LIMIT_MS)
  if (recipe.command !== undefined) container.withCommand(recipe.command)
  const started = await container.start()
  const handle = engine.container.getById(started.getId())

  const answers = async () => {
    const { State: state } = await handle.inspect()
    if (!state.Running) throw new Error(`${recipe.name} ended at start:\n${await lastLines(handle)}`)
    return recipe.answers()
  }
  const untilItAnswers = () =>
    waitFor(`${recipe.name} to answer`, answers, { limitMs: START_LIMIT_MS, everyMs: 100 })
  await untilItAnswers()

  const isRunning = async () => (await handle.inspect()).State.Running
  return {
    async stop() {
      if (await isRunning()) await handle.stop()
    },
    async kill() {
      if (await isRunning()) await handle.kill()
    },
    async start() {
      if (!(await isRunning())) await handle.start()
      await untilItAnswers()
    },
  }
}

type Handle = ReturnType<ContainerRuntimeClient['container']['getById']>

/** Without a terminal the engine sends frames: stream, three zeros, size, then so much text. */
async function lastLines(container: Handle): Promise<string> {
  const frames: Buffer = await container.logs({ stdout: true, stderr: true, tail: 15 })
  let text = ''
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4)
    text += frames.toString('utf8', at + 8, end)
    at = end
  }
  return text
}
