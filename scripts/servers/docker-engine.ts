import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ContainerRuntimeClient } from 'testcontainers'
import { within } from './wait.ts'

const PROBE_LIMIT_MS = 30_000
const PULL_LIMIT_MS = 300_000

const probe = fileURLToPath(new URL('docker-probe.ts', import.meta.url))

/** The engine that Testcontainers finds. @throws Error that says why none is to be had. */
export async function findEngine(): Promise<ContainerRuntimeClient> {
  const { stdout } = await promisify(execFile)(process.execPath, [probe], { timeout: PROBE_LIMIT_MS })
  if (stdout !== '') throw new Error(stdout.trim())
  const { getContainerRuntimeClient } = await import('testcontainers')
  return getContainerRuntimeClient()
}

/** Pulls what isn't there. @throws Error that names the image it can't get. */
export async function haveImages(
  engine: ContainerRuntimeClient,
  images: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const { ImageName } = await import('testcontainers')
  for (const image of images) {
    const name = ImageName.fromString(image)
    if (await engine.image.exists(name)) continue
    say(`pulling ${image}`)
    try {
      await within(PULL_LIMIT_MS, `pulling ${image}`, engine.image.pull(name))
    } catch (error) {
      throw new Error(`no image ${image}: ${(error as Error).message}`, { cause: error })
    }
  }
}
