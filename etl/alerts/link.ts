import { RULES } from './rules.ts'

/** The console's page for an alert; the overview where its rule was removed since. */
export function alertLink(consoleUrl: string, rule: string): string {
  return consoleUrl + (RULES.find(({ id }) => id === rule)?.path ?? '/')
}
