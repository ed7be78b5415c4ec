import { defineConfig } from 'vitest/config'

/** The engine's, and those that a stream brings along in its folder. */
const testsOf = (project: string) => [
  `tests/${project}/**/*.test.ts`,
  `streams/*/tests/${project}/**/*.test.ts`,
]

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', sequence: { groupOrder: 0 }, include: testsOf('unit') } },
      {
        test: {
          name: 'integration',
          sequence: { groupOrder: 1 },
          include: testsOf('integration'),
          globalSetup: ['tests/support/servers.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'faults',
          sequence: { groupOrder: 1 },
          include: testsOf('faults'),
          globalSetup: ['tests/support/servers.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'browser',
          sequence: { groupOrder: 2 },
          include: testsOf('browser'),
          globalSetup: ['tests/support/chromium.ts', 'tests/support/servers.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
        },
      },
    ],
  },
})
