/** What a worker at this address answers to /readyz. */
export async function readiness(address: string): Promise<{ status: number; problem: string | undefined }> {
  const response = await fetch(`${address}/readyz`)
  const { problem } = (await response.json()) as { problem?: string }
  return { status: response.status, problem }
}
