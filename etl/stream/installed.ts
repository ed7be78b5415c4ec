import { z } from 'zod'
import { ConfigError, kafkaName, type Config } from '../process/config.ts'
import { wholeNumberSetting } from '../process/settings.ts'
import type { Definition, Settings } from './definition.ts'

/** The variables of the configuration that speak of one stream; a program has those that it asked for. */
type OfStream = Pick<
  Config<'kafka' | 'topics' | 'etl' | 'housekeeping'>,
  | 'KAFKA_TOPIC'
  | 'KAFKA_DLQ_TOPIC'
  | 'KAFKA_GROUP_ID'
  | 'TOPIC_PARTITIONS'
  | 'TOPIC_REPLICATION'
  | 'ETL_SCHEDULE'
  | 'RETENTION_DAYS'
>

/** A stream of this installation, with the configuration as that stream sees it. */
export interface Installed<C> {
  readonly definition: Definition
  readonly config: C
}

/**
 * What may differ between installations of a stream: `STREAM_PRODUCTS_TOPIC`. Nothing of it decides what becomes of a
 * record.
 */
const VARIABLES = {
  TOPIC: kafkaName,
  DLQ_TOPIC: kafkaName,
  PARTITIONS: wholeNumberSetting(1, 10_000),
  REPLICATION: wholeNumberSetting(1, 100),
  SCHEDULE: z.string().min(1),
}
const PREFIX = 'STREAM_'

const variableOf = (stream: string, name: keyof typeof VARIABLES) =>
  `${PREFIX}${stream.toUpperCase()}_${name}`

/** The variable that says a stream's topic; the first of an installation is the one that the general one speaks of. */
export const topicVariable = (stream: string, isFirst: boolean): string =>
  isFirst ? 'KAFKA_TOPIC' : variableOf(stream, 'TOPIC')

/** What the environment may set for the rules of these streams, for `readConfig`. */
export const environmentOf = (streams: readonly Definition[]): Settings =>
  Object.assign({}, ...streams.map(({ environment = {} }) => environment)) as Settings

/**
 * The streams of an installation, each with the configuration as it sees it. The first is the one that KAFKA_TOPIC,
 * KAFKA_DLQ_TOPIC, KAFKA_GROUP_ID, TOPIC_PARTITIONS and RETENTION_DAYS speak of; the others have a topic named as they
 * are and a group `<KAFKA_GROUP_ID>.<stream>`. Schedule and replication are those of all unless a stream has its own.
 *
 * @param config of `readConfig`.
 * @throws ConfigError that lists every variable that is wrong.
 */
export function installedStreams<C extends object>(
  config: C,
  streams: readonly Definition[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Installed<C>[] {
  const problems = unknownVariables(streams, env)
  const general = config as Partial<OfStream>
  const installed = streams.map((definition, i) => {
    const own = readOwn(definition.name, env, problems)
    const isFirst = i === 0
    const isSet = (name: string) => [env[name], env[`${name}_FILE`]].some((value) => (value ?? '') !== '')
    const named = definition.topic.name ?? definition.name.replaceAll('_', '-')
    const topic = own.TOPIC ?? (isFirst && isSet('KAFKA_TOPIC') ? general.KAFKA_TOPIC! : named)
    const ofStream: Partial<OfStream> = {
      KAFKA_TOPIC: topic,
      KAFKA_DLQ_TOPIC:
        own.DLQ_TOPIC ?? (isFirst && isSet('KAFKA_DLQ_TOPIC') ? general.KAFKA_DLQ_TOPIC! : `${topic}.dlq`),
      ...(!isFirst && { KAFKA_GROUP_ID: `${general.KAFKA_GROUP_ID}.${definition.name}` }),
      ...(!isFirst && { RETENTION_DAYS: undefined }),
      ...(!isFirst && { TOPIC_PARTITIONS: definition.topic.partitions ?? DEFAULT_PARTITIONS }),
      ...(own.PARTITIONS !== undefined && { TOPIC_PARTITIONS: own.PARTITIONS }),
      ...(own.REPLICATION !== undefined && { TOPIC_REPLICATION: own.REPLICATION }),
      ...(own.SCHEDULE !== undefined && { ETL_SCHEDULE: own.SCHEDULE }),
    }
    return { definition, config: { ...config, ...ofStream } }
  })
  problems.push(...sharedTopics(installed))
  if (problems.length > 0)
    throw new ConfigError(`Configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  return installed
}

const DEFAULT_PARTITIONS = 3

function readOwn(stream: string, env: Readonly<Record<string, string | undefined>>, problems: string[]) {
  const own: { [Name in keyof typeof VARIABLES]?: z.output<(typeof VARIABLES)[Name]> } = {}
  for (const name of Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]) {
    const variable = variableOf(stream, name)
    const text = env[variable]
    if (text === undefined || text === '') continue
    const { data, error } = VARIABLES[name].safeParse(text)
    if (error) problems.push(`${variable} ${JSON.stringify(text.slice(0, 80))} ${error.issues[0]!.message}`)
    else Object.assign(own, { [name]: data })
  }
  return own
}

/** A misspelt one would do nothing, and nobody would know. */
function unknownVariables(
  streams: readonly Definition[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const known = new Set(
    streams.flatMap(({ name }) =>
      (Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]).map((variable) => variableOf(name, variable)),
    ),
  )
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name) && (env[name] ?? '') !== '')
    .map((name) => `${name} is no setting of a stream; there are ${[...known].join(', ')}`)
}

/** A record belongs to one stream, by its topic. */
function sharedTopics(installed: readonly Installed<object>[]): string[] {
  const owners = new Map<string, string>()
  const problems: string[] = []
  for (const { definition, config } of installed) {
    const { KAFKA_TOPIC, KAFKA_DLQ_TOPIC } = config as OfStream
    for (const topic of [KAFKA_TOPIC, KAFKA_DLQ_TOPIC]) {
      const owner = owners.get(topic)
      if (owner !== undefined)
        problems.push(
          owner === definition.name
            ? `the topic ${topic} of the stream ${owner} is also that of its dead letters: they would be read as records`
            : `the topic ${topic} of the stream ${definition.name} is also that of ${owner}: each needs its own`,
        )
      owners.set(topic, definition.name)
    }
  }
  return problems
}

/**
 * The streams that a program was told to work on.
 *
 * @param names by STREAMS or --stream; all unless given.
 * @throws ConfigError that names what there is.
 */
export function chosenStreams<T extends { readonly definition: Definition }>(
  installed: readonly T[],
  names: readonly string[] | undefined,
  by: string,
): T[] {
  const known = installed.map(({ definition }) => definition.name)
  const unknown = names?.filter((name) => !known.includes(name)) ?? []
  if (unknown.length > 0)
    throw new ConfigError(
      `Configuration:\n  ${by} names ${unknown.join(', ')}; the streams are ${known.join(', ')}`,
    )
  return installed.filter(({ definition }) => names === undefined || names.includes(definition.name))
}
