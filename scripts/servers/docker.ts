import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bothOrNone, Watchdog } from './watchdog.ts'
import { findEngine, haveImages } from './docker-engine.ts'
import { startContainer, type Recipe } from './docker-container.ts'
import { clusterId, KAFKA_HEAP, KAFKA_SETTINGS, KAFKA_VERSION, kafkaAnswers } from './kafka.ts'
import { freePort } from './processes.ts'
import { INITDB_ARGS, postgresArgs, postgresVersion } from './postgres.ts'
import type { Servers, StartPlan } from './types.ts'

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
    kafka: kafka,
    postgres: postgres,
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
