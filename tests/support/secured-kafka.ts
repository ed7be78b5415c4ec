import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import {
  clusterId,
  findJava,
  KAFKA_HEAP,
  KAFKA_SETTINGS,
  kafkaAnswers,
  kafkaClassPath,
  NO_SHARED_FILES,
} from '../../scripts/servers/kafka.ts'
import { watchedDirectory, type Watchdog } from '../../scripts/servers/watchdog.ts'
import { freePort, localServer, runWatched, type Command } from '../../scripts/servers/processes.ts'
import { anAuthority, type Authority } from './certificates.ts'

/** A broker as production has it: TLS, a login for each program, and no right that nobody gave. */
export interface SecuredKafka {
  readonly authority: Authority
  /** Of somebody else. */
  readonly strangers: Authority
  readonly ports: Ports
  /** How a program connects as this user: SASL_SSL with SCRAM-SHA-512. */
  envOf(user: User): Record<string, string>
  readonly passwords: Readonly<Record<User, string>>
  stop(): Promise<void>
}

/** `admin` may do everything; the others what the test gives them. */
const USERS = ['admin', 'topics', 'producer', 'etl', 'nobody'] as const
export type User = (typeof USERS)[number]

/** host:port of each way in. */
interface Ports {
  readonly password: string
  /** TLS with a client certificate, whose common name is the user. */
  readonly certificate: string
  /** Without TLS; the broker's own. */
  readonly plain: string
  readonly controller: string
}

/** Gives the reason, for a skip, where this machine can run Kafka in containers only. */
export async function aSecuredKafka(): Promise<SecuredKafka | string> {
  const { directory, watchdog } = watchedDirectory()
  try {
    return await start(directory, watchdog)
  } catch (error) {
    await watchdog.end()
    if (inject('mode') === 'local') throw error
    return `no Kafka with TLS to be had: ${(error as Error).message}`
  }
}

async function start(directory: string, watchdog: Watchdog): Promise<SecuredKafka> {
  const [file, classPath] = await Promise.all([
    findJava(),
    kafkaClassPath(directory, watchdog, () => undefined),
  ])
  const authority = anAuthority(directory)
  const ports = {
    password: `127.0.0.1:${await freePort()}`,
    certificate: `127.0.0.1:${await freePort()}`,
    plain: `127.0.0.1:${await freePort()}`,
    controller: `127.0.0.1:${await freePort()}`,
  }
  const home = join(directory, 'kafka')
  mkdirSync(home)
  const properties = join(home, 'server.properties')
  writeFileSync(properties, serverProperties(home, ports, authority))
  const run = (name: string, options: readonly string[], main: readonly string[]): Command => ({
    name,
    file,
    args: [
      ...options,
      '-XX:+UseSerialGC',
      NO_SHARED_FILES,
      `-Djava.io.tmpdir=${home}`,
      '-cp',
      classPath,
      ...main,
    ],
    logFile: `${home}.log`,
    cwd: home,
  })
  const passwords = Object.fromEntries(
    USERS.map((user) => [user, `pAss+${user}/${randomBytes(8).toString('hex')}`]),
  ) as Record<User, string>
  const users = USERS.flatMap((name) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${passwords[name]}]`,
  ])
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', properties, ...users]
  await runWatched(watchdog, run('Formatting the storage of Kafka', ['-XX:TieredStopAtLevel=1'], format))
  await localServer(watchdog, {
    command: run('Kafka', KAFKA_HEAP.split(' '), ['kafka.Kafka', properties]),
    answers: () => kafkaAnswers(ports.plain),
    stop: (pid) => void process.kill(pid, 'SIGTERM'),
    kill: (pid) => void process.kill(pid, 'SIGKILL'),
  }).start()
  return {
    authority,
    strangers: anAuthority(directory),
    ports,
    passwords,
    envOf: (user) => ({
      KAFKA_BROKERS: ports.password,
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: authority.ca,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: passwords[user],
    }),
    stop: () => watchdog.end(),
  }
}

function serverProperties(home: string, ports: Ports, authority: Authority): string {
  const { cert, key } = authority.issue('broker', 'IP:127.0.0.1')
  const keyStore = join(home, 'broker.pem')
  writeFileSync(keyStore, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'))
  const { password, certificate, plain, controller } = ports
  const settings = {
    ...KAFKA_SETTINGS,
    listeners: `PASSWORD://${password},CERTIFICATE://${certificate},PLAIN://${plain},CONTROLLER://${controller}`,
    'listener.security.protocol.map':
      'PASSWORD:SASL_SSL,CERTIFICATE:SSL,PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAIN',
    'controller.quorum.voters': `1@${controller}`,
    'log.dirs': join(home, 'data'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.ca,
    'ssl.principal.mapping.rules': 'RULE:^CN=(.*)$/$1/',
    'listener.name.certificate.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.password.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    // Who comes without TLS is the broker itself.
    'super.users': 'User:ANONYMOUS;User:admin',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
