import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { compose } from './project.ts'

const root = new URL('../../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')

const files = readdirSync(root).filter((name) => /^docker-compose.*\.yaml$/.test(name))
const PASSWORDS = Object.fromEntries(
  [
    'POSTGRES_PASSWORD',
    'PULSE_ETL_PASSWORD',
    'PULSE_GRAFANA_PASSWORD',
    'GRAFANA_ADMIN_PASSWORD',
    'CONSOLE_PASSWORD',
  ].map((name) => [name, 'some']),
)

/** Names that a Compose file takes from the environment: ${NAME…}, and a key without a value. */
function namesTaken(text: string): string[] {
  const yaml = text.replaceAll(/#.*$/gm, '')
  const replaced = [...yaml.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map((match) => match[1]!)
  const handedOn = [...yaml.matchAll(/^ +([A-Z][A-Z0-9_]*):\s*$/gm)].map((match) => match[1]!)
  return [...replaced, ...handedOn]
}

test('every variable that the Compose files take is in .env.example', () => {
  const listed = new Set(
    [...read('.env.example').matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]!),
  )
  // What the machine or CI sets, not a person.
  const outside = new Set(['CI', 'DEMO_SECONDS', 'PWD'])
  const missing = files
    .flatMap((file) => namesTaken(read(file)))
    .filter((name) => !listed.has(name) && !outside.has(name))
  expect([...new Set(missing)]).toEqual([])
})

test('no password has a default', () => {
  for (const file of files) {
    const defaults = [...read(file).matchAll(/\$\{([A-Z_]*PASSWORD):?-[^}]+\}/g)].map((match) => match[0])
    expect(defaults).toEqual([])
  }
})

test('every image has a version', () => {
  const images = files.flatMap((file) =>
    [...read(file).matchAll(/^ +image: (.+)$/gm)].map((match) => match[1]!),
  )
  expect(images.filter((image) => !/:(\d|\$\{PULSE_VERSION)/.test(image))).toEqual([])
})

describe.skipIf(inject('withoutEngine') !== undefined)('as Compose reads them', () => {
  interface Model {
    name: string
    services: Record<
      string,
      {
        ports?: { host_ip?: string; published: string }[]
        environment?: Record<string, string>
        depends_on?: Record<string, unknown>
        secrets?: { source: string }[]
        cap_drop?: string[]
        security_opt?: string[]
        privileged?: boolean
        network_mode?: string
        pid?: string
        read_only?: boolean
        volumes?: { source?: string }[]
        pids_limit?: number
        deploy?: { resources?: { limits?: { cpus?: number; memory?: string; pids?: number } } }
      }
    >
    networks: Record<string, { internal?: boolean } | undefined>
  }
  async function model(environment: string, env: Record<string, string> = PASSWORDS): Promise<Model> {
    const both = ['docker-compose.yaml', `docker-compose.${environment}.yaml`]
    return JSON.parse(
      await compose(['--profile', '*', 'config', '--format', 'json'], { files: both, env }),
    ) as Model
  }

  test('the base, and each environment on it, is valid', async () => {
    await compose(['config', '--quiet'], { files: ['docker-compose.yaml'] })
    const names = [(await model('dev')).name, (await model('prod', {})).name, (await model('test', {})).name]
    expect(new Set(names).size).toBe(3)
  })

  test('development publishes its four ports on 127.0.0.1 only', async () => {
    const { services } = await model('dev')
    const ports = Object.values(services).flatMap((service) => service.ports ?? [])
    expect(ports.map(({ host_ip, published }) => `${host_ip}:${published}`).sort()).toEqual([
      '127.0.0.1:3000',
      '127.0.0.1:5433',
      '127.0.0.1:8080',
      '127.0.0.1:9092',
    ])
  })

  test.for([
    ['dev', PASSWORDS],
    ['prod', {}],
  ] as const)('the ETL of %s gets everything that it can be told', async ([environment, env]) => {
    const asked = new Set<string>()
    const recorder = new Proxy({}, { get: (_, name) => void asked.add(String(name)) })
    readConfig(['etl', 'console', 'alerts', 'housekeeping'], recorder)
    const { services } = await model(environment, env)
    const given = Object.keys(services['etl']!.environment!)
    const names = [...asked].filter((name) => !name.endsWith('_FILE'))
    expect(names.filter((name) => !given.includes(name) && !given.includes(`${name}_FILE`))).toEqual([])
  })

  test('the console’s address follows where it is published', async () => {
    const models = [
      await model('dev', { ...PASSWORDS, ETL_PORT: '9090' }),
      await model('prod', { CONSOLE_ADDRESS: 'pulse.example.com' }),
      await model('prod', {}),
    ]
    const addresses = models.map(({ services }) => services['etl']!.environment!['CONSOLE_URL'])
    expect(addresses).toEqual(['http://127.0.0.1:9090', 'https://pulse.example.com', ''])
  })

  test.for([
    ['kafka', ['kafka', 'kafka-2', 'kafka-3'], ['stream']],
    ['postgres', ['postgres'], ['warehouse']],
  ] as const)(
    'with %s of their own, production runs none, and reaches it',
    async ([server, left, networks]) => {
      const { services, networks: reached } = await external([server])
      expect(Object.keys(services).filter((name) => left.some((gone) => gone === name))).toEqual([])
      expect(Object.keys(services)).toEqual(expect.arrayContaining(['topics', 'db-init', 'etl', 'producer']))
      for (const name of networks) expect(reached[name]?.internal ?? false).toBe(false)
      for (const { depends_on: on = {} } of Object.values(services))
        expect(Object.keys(on).filter((name) => left.some((gone) => gone === name))).toEqual([])
    },
  )

  test('every program gets its own user of the Kafka outside, and no password in its environment', async () => {
    const { services } = await external(['kafka', 'postgres'])
    const users = ['topics', 'producer', 'etl'].map((name) => services[name]!.environment!)
    for (const user of users) {
      expect(user).toMatchObject({ KAFKA_BROKERS: 'kafka.example.com:9093', KAFKA_SSL: 'true' })
      expect(user['KAFKA_SSL_CA_FILE']).toBe('/run/secrets/kafka_ca')
      expect(user['KAFKA_SASL_PASSWORD']).toBeUndefined()
    }
    expect(users.map((user) => user['KAFKA_SASL_USERNAME'])).toEqual([
      'pulse-topics',
      'pulse-producer',
      'pulse-etl',
    ])
    expect(new Set(users.map((user) => user['KAFKA_SASL_PASSWORD_FILE'])).size).toBe(3)
    expect(services['db-init']!.secrets!.map(({ source }) => source)).not.toContain('postgres_password')
  })

  /** Production with servers that somebody else runs. */
  async function external(servers: readonly string[]): Promise<Model> {
    const all = [
      'docker-compose.yaml',
      'docker-compose.prod.yaml',
      ...servers.map((server) => `docker-compose.external-${server}.yaml`),
    ]
    const env = { KAFKA_BROKERS: 'kafka.example.com:9093', POSTGRES_ADDRESS: 'postgres.example.com:5432' }
    return JSON.parse(await compose(['config', '--format', 'json'], { files: all, env })) as Model
  }

  test('development says which password is missing and what fills it', async () => {
    await expect(model('dev', {})).rejects.toThrow(/PASSWORD.*make dev-up/)
  })

  test('every container of production has the least that it needs, and limits', async () => {
    const { services } = await model('prod', {})
    const those = (bad: (service: Model['services'][string]) => boolean) =>
      Object.keys(services).filter((name) => bad(services[name]!))
    expect(those(({ cap_drop: dropped }) => dropped?.includes('ALL') !== true)).toEqual([])
    expect(those(({ security_opt: options }) => options?.[0] !== 'no-new-privileges:true')).toEqual([])
    expect(those(({ security_opt: options }) => options?.length !== 1)).toEqual([]) // seccomp as Docker has it
    expect(those((service) => service.privileged ?? service.network_mode === 'host')).toEqual([])
    expect(those(({ pid }) => pid !== undefined)).toEqual([])
    expect(those(({ volumes }) => JSON.stringify(volumes ?? []).includes('docker.sock'))).toEqual([])
    expect(those(({ deploy }) => deploy?.resources?.limits?.cpus === undefined)).toEqual([])
    expect(those(({ deploy }) => deploy?.resources?.limits?.memory === undefined)).toEqual([])
    expect(
      those(({ deploy, pids_limit: pids }) => (deploy?.resources?.limits?.pids ?? pids) === undefined),
    ).toEqual([])
    expect(those(({ read_only: readOnly }) => readOnly !== true).sort()).toEqual([
      'grafana',
      'kafka',
      'kafka-2',
      'kafka-3',
      'postgres',
    ])
  })

  test('production publishes no port but the reverse proxy’s', async () => {
    const { services } = await model('prod', {})
    const open = Object.entries(services)
      .filter(([, { ports }]) => ports !== undefined)
      .map(([name]) => name)
    expect(open).toEqual(['caddy'])
  })

  test('neither production nor the base has a password in a container’s environment', async () => {
    const { services } = await model('prod', {})
    const settings = Object.values(services).flatMap(({ environment }) => Object.entries(environment ?? {}))
    const open = settings.filter(
      ([name, value]) => name.endsWith('PASSWORD') && value !== '' && value !== null,
    )
    expect(open).toEqual([])
    expect(settings.filter(([, value]) => /:\/\/[^/]*:[^/]*@/.test(value))).toEqual([])
  })
})
