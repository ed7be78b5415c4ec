/** What an error says, whatever was thrown. A host with several addresses fails with one that has a code and no words. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name)
}
