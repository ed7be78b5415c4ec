import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  clusterId,
  findJava,
  KAFKA_HEAP,
  KAFKA_SETTINGS,
  kafkaAnswers,
  kafkaClassPath,
  NO_SHARED_FILES,
} from './kafka.ts'
import { freePort, localServer, runWatched, type Command } from './processes.ts'
import type { ServerControl, StartPlan } from './types.ts'
import type { Watchdog } from './watchdog.ts'

export interface LocalBroker {
  /** host:port, as clients reach it. */
  readonly address: string
  /** Where its partitions are, a directory each. */
  readonly data: string
  readonly control: Required<ServerControl>
}

/** A new cluster in `directory`, of nodes that are broker and controller in one process, on 127.0.0.1. */
export async function startLocalKafka(
  directory: string,
  watchdog: Watchdog,
  plan: StartPlan,
  size = 1,
): Promise<LocalBroker[]> {
  const [java, classPath] = await Promise.all([findJava(), kafkaClassPath(directory, watchdog, plan.say)])
  const cluster: Cluster = {
    id: clusterId(),
    program: { file: java, classPath },
    settings: { ...KAFKA_SETTINGS, ...replicated(size), ...plan.kafkaSettings },
    nodes: [],
  }
  for (let id = 1; id <= size; id++) {
    const home = join(directory, `kafka-${id}`)
    mkdirSync(home)
    const [broker, controller] = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`)
    cluster.nodes.push({ id, home, broker: broker!, controller: controller! })
  }
  // All are waited for, also when one fails: what came after the clean-up would stay.
  const starts = await Promise.allSettled(cluster.nodes.map((node) => startNode(cluster, node, watchdog)))
  return starts.map((start) => {
    if (start.status === 'rejected') throw start.reason
    return start.value
  })
}

interface Cluster {
  readonly id: string
  readonly program: { readonly file: string; readonly classPath: string }
  readonly settings: Readonly<Record<string, string>>
  readonly nodes: Node[]
}

interface Node {
  readonly id: number
  readonly home: string
  readonly broker: string
  readonly controller: string
}

/** The internal topics are on as many nodes as there are, up to three: a group survives the loss of one. */
function replicated(size: number): Readonly<Record<string, string>> {
  const factor = String(Math.min(size, 3))
  return {
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'share.coordinator.state.topic.replication.factor': factor,
  }
}

async function startNode(cluster: Cluster, node: Node, watchdog: Watchdog): Promise<LocalBroker> {
  const { home, broker } = node
  const data = join(home, 'data')
  const properties = join(home, 'server.properties')
  writeFileSync(properties, serverProperties(cluster, node, data))
  const logging = join(home, 'log4j2.properties')
  writeFileSync(logging, LOG4J2)

  const run = (name: string, options: readonly string[], main: readonly string[]): Command => ({
    name,
    file: cluster.program.file,
    args: [
      ...options,
      '-XX:+UseSerialGC',
      NO_SHARED_FILES,
      // The compression libraries unpack themselves there, and a kill leaves it.
      `-Djava.io.tmpdir=${home}`,
      `-Dlog4j2.configurationFile=${logging}`,
      '-cp',
      cluster.program.classPath,
      ...main,
    ],
    logFile: `${home}.log`,
    cwd: home,
  })
  const format = ['kafka.tools.StorageTool', 'format', '-t', cluster.id, '-c', properties]
  await runWatched(watchdog, run('Formatting the storage of Kafka', ['-XX:TieredStopAtLevel=1'], format))
  const control = localServer(watchdog, {
    command: run('Kafka', KAFKA_HEAP.split(' '), ['kafka.Kafka', properties]),
    answers: () => kafkaAnswers(broker),
    stop: (pid) => void process.kill(pid, 'SIGTERM'),
    kill: (pid) => void process.kill(pid, 'SIGKILL'),
  })
  await control.start()
  return { address: broker, data, control }
}

function serverProperties({ settings, nodes }: Cluster, node: Node, data: string): string {
  const ours = {
    'node.id': String(node.id),
    listeners: `PLAINTEXT://${node.broker},CONTROLLER://${node.controller}`,
    'advertised.listeners': `PLAINTEXT://${node.broker}`,
    'controller.quorum.voters': nodes.map(({ id, controller }) => `${id}@${controller}`).join(','),
    'log.dirs': data,
  }
  return Object.entries({ ...settings, ...ours })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const LOG4J2 = `
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
`
