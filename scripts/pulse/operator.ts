import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { Operator } from '../../etl/operations/actions.ts'
import { CommandFailed, UsageError } from './errors.ts'

export const BY_OPTION = ['--by <name>', 'your name on record, instead of the login name here'] as const

/** Of a command that asks before it changes something. */
export interface ConsentOptions {
  readonly by?: string
  readonly yes?: boolean
}

export const withConsentOptions = (command: Command): Command =>
  command.option(...BY_OPTION).option('--yes', 'do not ask')

/** Who acts at this terminal, for the record: as they say, or by the login name. @throws UsageError. */
export function thisOperator(by?: string): Operator {
  const name = (by ?? loginName()).trim()
  if (name === '') throw new UsageError('--by is empty: who does it?')
  return { name, via: 'pulse' }
}

/** A container may run as a user that has no name. */
function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Why it is done, trimmed. @throws UsageError where nothing is said. */
export function requireReason(reason: string, reader = 'whoever reads it in a year'): string {
  const said = reason.trim()
  if (said === '') throw new UsageError(`--reason is empty: say why, for ${reader}.`)
  return said
}

/**
 * Lets a person who looks at a terminal type a word before something is changed.
 *
 * @throws UsageError where nobody can be asked and --yes was not given; CommandFailed when they decline.
 */
export async function confirm(consequences: string, word: string, yes = false): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${consequences}\nNobody can be asked here: add --yes to do it.`)
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D reject it.
  const answer = await prompt.question(`${consequences}\nType ${word} to do it: `).catch(() => '')
  prompt.close()
  if (answer.trim() !== word) throw new CommandFailed('Nothing was changed.')
}
