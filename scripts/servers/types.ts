/** How the servers came to be: the environment named them, Docker runs them, or they are processes of ours. */
export const MODES = ['given', 'docker', 'local'] as const
export type Mode = (typeof MODES)[number]

/** A Kafka and a Postgres to work against. Faults are only for those with a control: we started them. */
export interface Servers {
  readonly mode: Mode
  /** One line for people, without secrets. */
  readonly description: string
  /** As KAFKA_BROKERS takes it. */
  readonly kafkaBrokers: string
  /** A maintenance database, as a role that may create databases. */
  readonly databaseUrl: string
  readonly kafka?: ServerControl
  readonly postgres?: ServerControl
  /** Ends what was started here and removes its data. May be called again. */
  stop(): Promise<void>
}

/** Faults and restarts of one server, always on the same port and the same data. */
export interface ServerControl {
  /** An orderly shutdown. */
  stop(): Promise<void>
  /** What a power cut does: every process of the server is gone at once. */
  kill(): Promise<void>
  /** Resolves when the server answers. */
  start(): Promise<void>
  /** Of the main process; local servers only, and only while one runs. */
  pid?(): number
}

/** What the starters of docker and local servers need; everything is decided by then. */
export interface StartPlan {
  /** Gets each line that says what happens; standard error by default. */
  readonly say: (line: string) => void
  /** Above the defaults, for servers started here. */
  readonly postgresSettings: Readonly<Record<string, string>>
  readonly kafkaSettings: Readonly<Record<string, string>>
}

export interface StartOptions extends Partial<StartPlan> {
  /** Instead of PULSE_SERVERS. */
  readonly only?: Mode
}
