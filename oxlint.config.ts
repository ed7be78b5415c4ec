import { defineConfig } from 'oxlint'

/**
 * The rooms of etl/ from the ground up. A file imports from its own room and from those below; whoever adds a
 * room adds it here.
 */
const ROOMS = [
  'text',
  'process',
  'postgres',
  'kafka',
  'schema',
  'stream',
  'ledger',
  'job',
  'operations',
  'partitions',
  'dead-letters',
  'forget',
  'replay',
  'housekeeping',
  'alerts',
  'status',
  'reconcile',
  'metrics',
  'web',
  'api',
  'console',
  'worker',
]

interface Ban {
  readonly group: string[]
  readonly message: string
  readonly allowTypeImports?: boolean
}

const KAFKAJS: Ban = {
  group: ['kafkajs', 'kafkajs/*'],
  message: 'Only etl/kafka/ imports kafkajs, so that the client can be replaced in one place.',
}
const DRIZZLE: Ban = {
  group: ['drizzle-orm', 'drizzle-orm/*'],
  allowTypeImports: true,
  message: 'Its values come from etl/postgres/drizzle.ts, which says why.',
}
const MAINS: Ban = { group: ['**/main.ts'], message: 'Nothing imports a main.' }
const OUTSIDE: Ban = {
  group: ['**/scripts/**', '**/producer/**', '**/tests/**'],
  message: 'The product imports nothing of its commands, of the producer or of the tests.',
}
const STREAMS: Ban = {
  group: ['**/streams/**'],
  message: 'The engine knows no stream: it gets them from etl/installation.ts.',
}
/** Stages are pure: the same record is decided in the same way at any time, anywhere. */
const STAGES = [
  'etl/job/validate.ts',
  'etl/job/transform.ts',
  'etl/stream/{contract,json,rfc3339,age,amount,currency-codes,later-rules,money,types}.ts',
  'etl/stream/envelopes/*.ts',
  'streams/**/{tax,fraud-rules}.ts',
]
const WORLD: Ban = {
  group: ['pg', 'node:http', '**/kafka/**', '!**/kafka/record.ts', '**/postgres/**', '**/ledger/**'],
  message: 'Stages are pure: they know neither Kafka, nor Postgres, nor HTTP.',
}

const restricted = (...patterns: Ban[]): { 'no-restricted-imports': ['error', { patterns: Ban[] }] } => ({
  'no-restricted-imports': ['error', { patterns: [...patterns, DRIZZLE] }],
})

/** What a room may not import: the rooms above it. */
const above = (room: string): Ban => ({
  group: ['**/program.ts', '**/installation.ts', '**/load-streams.ts'].concat(
    ROOMS.slice(ROOMS.indexOf(room) + 1).map((higher) => `**/${higher}/**`),
  ),
  message: `etl/${room}/ imports only from the rooms below it: see ROOMS in oxlint.config.ts.`,
})

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'promise', 'node', 'oxc', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { node: true, es2024: true },
  ignorePatterns: ['node_modules', 'migrations'],
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/return-await': ['error', 'in-try-catch'],
    'typescript/require-await': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-nullish-coalescing': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'off',
    eqeqeq: 'error',
    'no-console': 'error',
    'no-await-in-loop': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'no-underscore-dangle': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    ...restricted(KAFKAJS, MAINS),
  },
  overrides: [
    ...ROOMS.map((room) => ({
      files: [`etl/${room}/**`],
      rules: restricted(...(room === 'kafka' ? [] : [KAFKAJS]), MAINS, OUTSIDE, STREAMS, above(room)),
    })),
    { files: ['etl/*.ts', 'streams/**', 'producer/**'], rules: restricted(KAFKAJS, MAINS, OUTSIDE) },
    // What no worker loads: dashboards, what the producer sends, and tests.
    {
      files: [
        'streams/{dashboards,samples}.ts',
        'streams/*/grafana/**',
        'streams/*/samples.ts',
        'streams/*/tests/**',
      ],
      rules: restricted(KAFKAJS, MAINS),
    },
    { files: ['streams/*/tests/**'], rules: restricted(KAFKAJS, MAINS) },
    { files: ['etl/program.ts'], rules: restricted(KAFKAJS, MAINS, OUTSIDE, STREAMS) },
    { files: STAGES, rules: restricted(KAFKAJS, MAINS, OUTSIDE, WORLD, above('job')) },
    { files: ['tests/support/kafka.ts'], rules: { 'no-restricted-imports': 'off' } },
    { files: ['scripts/**', 'producer/main.ts', 'etl/program.ts'], rules: { 'no-console': 'off' } },
  ],
})
