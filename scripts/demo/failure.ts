/** What ended the demo, and what to do about it, in words for people. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure'
}

/** Does a step of the demo. @throws DemoFailure that names the step and says what it needs. */
export async function step<T>(what: string, needs: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new DemoFailure(`${what} failed: ${reason}\n${needs}`, { cause: error })
  }
}
