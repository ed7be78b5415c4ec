import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findJava, NO_SHARED_FILES } from './java.ts'
import { kafkaAnswers } from './kafka-answers.ts'
import { kafkaClassPath } from './kafka-jars.ts'
import { clusterId, KAFKA_HEAP, KAFKA_SETTINGS } from './kafka-settings.ts'
import { localServer } from './local-server.ts'
import { freePort } from './ports.ts'
import type { ServerControl, StartPlan } from './types.ts'
import { runWatched, type Command } from './watched-process.ts'
import type { Watchdog } from './watchdog.ts'

export interface LocalKafka {
  readonly broker: string
  readonly control: ServerControl
}

/** A new single-node cluster in `directory`, broker and controller in one process, on 127.0.0.1. */
export async function startLocalKafka(
  directory: string,
  watchdog: Watchdog,
  plan: StartPlan,
): Promise<LocalKafka> {
  const home = join(directory, 'kafka')
  mkdirSync(home)
  const [java, classPath] = await Promise.all([findJava(), kafkaClassPath(home, watchdog, plan.say)])
  const broker = `127.0.0.1:${await freePort()}`
  const controller = `127.0.0.1:${await freePort()}`
  const properties = join(home, 'server.properties')
  writeFileSync(properties, serverProperties(home, broker, controller, plan.kafkaSettings))
  const logging = join(home, 'log4j2.properties')
  writeFileSync(logging, LOG4J2)

  const run = (name: string, options: readonly string[], main: readonly string[]): Command => ({
    name,
    file: java,
    args: [
      ...options,
      '-XX:+UseSerialGC',
      NO_SHARED_FILES,
      // The compression libraries unpack themselves there, and a kill leaves it.
      `-Djava.io.tmpdir=${home}`,
      `-Dlog4j2.configurationFile=${logging}`,
      '-cp',
      classPath,
      ...main,
    ],
    logFile: join(directory, 'kafka.log'),
    cwd: home,
  })
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', properties]
  await runWatched(watchdog, run('Formatting the storage of Kafka', ['-XX:TieredStopAtLevel=1'], format))
  const control = localServer(watchdog, {
    command: run('Kafka', KAFKA_HEAP.split(' '), ['kafka.Kafka', properties]),
    answers: () => kafkaAnswers(broker),
    stop: (pid) => void process.kill(pid, 'SIGTERM'),
    kill: (pid) => void process.kill(pid, 'SIGKILL'),
  })
  await control.start()
  return { broker, control }
}

function serverProperties(
  home: string,
  broker: string,
  controller: string,
  settings: Readonly<Record<string, string>>,
): string {
  const ours = {
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${broker}`,
    'controller.quorum.voters': `1@${controller}`,
    'log.dirs': join(home, 'data'),
  }
  return Object.entries({ ...KAFKA_SETTINGS, ...settings, ...ours })
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
