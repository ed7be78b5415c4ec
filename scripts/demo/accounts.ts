import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { agrees, compare } from './cross-check.ts'
import { renderComparison, renderSummary } from './render-summary.ts'
import type { Ending } from './story.ts'
import { readSummary } from './summary.ts'
import { wrapped } from './text.ts'
import type { Workplace } from './workplace.ts'

/**
 * Shows what became of everything, and proves it: the warehouse against what the producer says that it
 * sent, then the reconciliation, which reads the topic again and asks nobody.
 *
 * @returns whether it balances.
 */
export async function giveAccounts(
  { pool, kafka, names }: Workplace,
  { sent, drained }: Ending,
  say: (text: string) => void,
): Promise<boolean> {
  const summary = await readSummary(pool)
  say(`\n${renderSummary(summary)}`)
  const comparisons = compare(sent, summary)
  say(`\n${renderComparison(comparisons, sent.inDoubt)}`)
  const report = await reconcile({ pool, kafka, topic: names.topic, deep: true })
  say(`\n${dense(renderReconciliation(report))}`)

  const problems = [
    ...(drained ? [] : ['not everything was loaded']),
    ...(agrees(comparisons, sent.inDoubt) ? [] : ['the warehouse does not have what was sent']),
    ...(report.balanced ? [] : ['the reconciliation found something']),
  ]
  if (problems.length > 0) say(`\nNOT balanced: ${problems.join(', and ')}.`)
  return problems.length === 0
}

/** Without its empty lines, and no wider than the rest. */
function dense(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => wrapped(line, '   ')).join('\n')
}
