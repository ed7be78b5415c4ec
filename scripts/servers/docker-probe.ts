import { within } from './wait.ts'

/**
 * Prints why no Docker engine can be used, or nothing if one answers. A process of its own, because a
 * connection to an engine that keeps silent can't be given up, and would keep any program from ending.
 */
const ANSWER_LIMIT_MS = 3_000

const testcontainers = await import('testcontainers').catch(() => undefined)
if (testcontainers === undefined) {
  console.log('the npm package testcontainers is not installed')
} else {
  try {
    await within(ANSWER_LIMIT_MS, 'its answer', testcontainers.getContainerRuntimeClient())
  } catch (error) {
    console.log(`no Docker engine answers (${(error as Error).message})`)
  }
}
process.exit()
