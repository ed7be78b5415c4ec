import { createInterface } from 'node:readline/promises'
import { CommandFailed, UsageError } from './errors.ts'

/**
 * Lets a person who looks at a terminal type a word before something is changed.
 *
 * @throws UsageError where nobody can be asked and --yes was not given; CommandFailed when they decline.
 */
export async function confirm(consequences: string, word: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${consequences}\nNobody can be asked here: add --yes to do it.`)
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D reject it.
  const answer = await prompt.question(`${consequences}\nType ${word} to do it: `).catch(() => '')
  prompt.close()
  if (answer.trim() !== word) throw new CommandFailed('Nothing was changed.')
}
