import { defineConfig } from 'vitest/config'

/** `make test-compose`: apart from the other tests, because it takes minutes and the machine's memory. */
export default defineConfig({
  test: {
    name: 'compose',
    root: new URL('../../', import.meta.url).pathname,
    include: ['tests/compose/**/*.test.ts'],
    globalSetup: ['tests/compose/engine.setup.ts'],
    // One project at a time: each brings servers of its own.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
