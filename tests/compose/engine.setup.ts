import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { compose } from './project.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Undefined where the platform can be brought up, else why not. */
    withoutEngine: string | undefined
  }
}

/** Asks for an engine, builds the image once, and says aloud what is skipped without one. */
export default async function setup(project: TestProject): Promise<void> {
  const reason = await whyNoEngine()
  project.provide('withoutEngine', reason)
  if (reason === undefined) await compose(['build', '--quiet', 'etl'])
  else process.stderr.write(`Compose tests that need a Docker engine are skipped: ${reason}\n`)
}

async function whyNoEngine(): Promise<string | undefined> {
  try {
    await promisify(execFile)('scripts/compose/need-docker.sh')
    return undefined
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim() ?? String(error)
  }
}
