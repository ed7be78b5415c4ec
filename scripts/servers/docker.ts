import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ContainerRuntimeClient } from 'testcontainers'
import { clusterId, KAFKA_HEAP, KAFKA_SETTINGS, KAFKA_VERSION, kafkaAnswers } from './kafka.ts'
import { INITDB_ARGS, postgresArgs, postgresVersion } from './postgres.ts'
import { freePort, START_LIMIT_MS } from './processes.ts'
import type { ServerControl, Servers, StartPlan } from './types.ts'
import { waitFor, within } from './wait.ts'
import { bothOrNone, Watchdog } from './watchdog.ts'

const IMAGES = { kafka: `apache/kafka:${KAFKA_VERSION}`, postgres: 'postgres:17' }
const KAFKA_DATA = '/var/lib/kafka/data'

/** Both servers in containers, side by side. @throws Error if there is no engine, no image, or no start. */
export async function startDocker(plan: StartPlan): Promise<Servers> {
  const engine = await findEngine()
  await haveImages(engine, Object.values(IMAGES), plan.say)
  const { host } = engine.info.containerRuntime
  const kafkaBrokers = `${host}:${await freePort()}`
  const password = randomBytes(12).toString('hex')
  const databaseUrl = `postgres://postgres:${password}@${host}:${await freePort()}/postgres`

  const watchdog = new Watchdog(join(tmpdir(), `pulse-servers-${randomBytes(6).toString('hex')}`))
  const [postgres, kafka] = await bothOrNone(watchdog, [
    startContainer(engine, watchdog, postgresRecipe(databaseUrl, password, plan)),
    startContainer(engine, watchdog, kafkaRecipe(kafkaBrokers, plan)),
  ])
  return {
    mode: 'docker',
    description: `containers: ${IMAGES.postgres} (${await postgresVersion(databaseUrl)}), ${IMAGES.kafka}`,
    kafkaBrokers,
    databaseUrl,
    kafka,
    postgres,
    stop: () => watchdog.end(),
  }
}

function postgresRecipe(databaseUrl: string, password: string, plan: StartPlan): Recipe {
  return {
    name: 'Postgres',
    image: IMAGES.postgres,
    port: { container: 5432, host: Number(new URL(databaseUrl).port) },
    environment: {
      POSTGRES_PASSWORD: password,
      POSTGRES_INITDB_ARGS: ['--no-sync', ...INITDB_ARGS].join(' '),
    },
    command: ['postgres', ...postgresArgs(plan.postgresSettings)],
    answers: () => postgresVersion(databaseUrl),
  }
}

/** Clients reach the broker from outside, it reaches itself (for transactions) inside: two listeners. */
function kafkaRecipe(broker: string, plan: StartPlan): Recipe {
  const ours = {
    listeners: 'PLAINTEXT://:9092,INTERNAL://localhost:19092,CONTROLLER://localhost:9093',
    'advertised.listeners': `PLAINTEXT://${broker},INTERNAL://localhost:19092`,
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.voters': '1@localhost:9093',
    'log.dirs': KAFKA_DATA,
  }
  const settings = Object.entries({ ...KAFKA_SETTINGS, ...plan.kafkaSettings, ...ours })
  return {
    name: 'Kafka',
    image: IMAGES.kafka,
    port: { container: 9092, host: Number(broker.slice(broker.lastIndexOf(':') + 1)) },
    environment: {
      CLUSTER_ID: clusterId(),
      KAFKA_HEAP_OPTS: KAFKA_HEAP,
      ...Object.fromEntries(settings.map(([name, value]) => [variable(name), value])),
    },
    command: ['bash', '-c', START_KAFKA],
    answers: () => kafkaAnswers(broker),
  }
}

/** A restarted container has its storage; formatting it once more is an error, and not every image looks. */
const START_KAFKA = `
if [ -e ${KAFKA_DATA}/meta.properties ]; then
  exec /opt/kafka/bin/kafka-server-start.sh /opt/kafka/config/server.properties
fi
exec /etc/kafka/docker/run`

/** The image reads `log.dirs` from KAFKA_LOG_DIRS. */
function variable(setting: string): string {
  const escaped = setting.replaceAll('_', '___').replaceAll('-', '__').replaceAll('.', '_')
  return `KAFKA_${escaped.toUpperCase()}`
}

const PROBE_LIMIT_MS = 30_000
const PULL_LIMIT_MS = 300_000

const child = fileURLToPath(new URL('docker-child.ts', import.meta.url))

/** The engine that Testcontainers finds. @throws Error that says why none is to be had. */
async function findEngine(): Promise<ContainerRuntimeClient> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, 'probe'], {
    timeout: PROBE_LIMIT_MS,
  })
  if (stdout !== '') throw new Error(stdout.trim())
  const { getContainerRuntimeClient } = await import('testcontainers')
  return getContainerRuntimeClient()
}

/** Pulls what isn't there. @throws Error that names the image it can't get. */
async function haveImages(
  engine: ContainerRuntimeClient,
  images: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const { ImageName } = await import('testcontainers')
  for (const image of images) {
    const name = ImageName.fromString(image)
    if (await engine.image.exists(name)) continue
    say(`pulling ${image}`)
    try {
      await within(PULL_LIMIT_MS, `pulling ${image}`, engine.image.pull(name))
    } catch (error) {
      throw new Error(`no image ${image}: ${(error as Error).message}`, { cause: error })
    }
  }
}

interface Recipe {
  /** "Kafka", for people and, in lower case, in the container's name. */
  readonly name: string
  readonly image: string
  readonly port: { readonly container: number; readonly host: number }
  readonly environment: Record<string, string>
  readonly command: string[]
  readonly answers: () => Promise<string | boolean | undefined>
}

/**
 * Starts a container on a fixed host port, the same after a restart, and waits until its server answers.
 *
 * Testcontainers' own clean-up container is not used (`withAutoCleanup(false)`): it is one more image to
 * pull, and our watchdog does the same for containers and processes.
 */
async function startContainer(
  engine: ContainerRuntimeClient,
  watchdog: Watchdog,
  recipe: Recipe,
): Promise<ServerControl> {
  const name = `pulse-${recipe.name.toLowerCase()}-${randomBytes(6).toString('hex')}`
  watchdog.watchContainer(name) // before there is one: nothing can come between
  const { GenericContainer } = await import('testcontainers')
  const started = await new GenericContainer(recipe.image)
    .withName(name)
    .withExposedPorts(recipe.port)
    .withEnvironment(recipe.environment)
    .withCommand(recipe.command)
    .withAutoCleanup(false)
    .withStartupTimeout(START_LIMIT_MS)
    .start()
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
