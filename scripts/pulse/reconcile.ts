import type { Command } from 'commander'
import { addCommand, JSON_OPTION } from './arguments.ts'
import { EXIT } from './errors.ts'
import { print, printJson } from './output.ts'
import {
  reconcile,
  renderReconciliation,
  verdict,
  type ReconcileReport,
} from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { inSession } from './session.ts'

export function addReconcile(parent: Command): void {
  addCommand(
    parent,
    'reconcile',
    'Proves that every record that was consumed is accounted for, exactly once: stream by stream, or one with --stream.',
    [
      'reconcile',
      'reconcile --deep',
      'reconcile --stream transactions',
      "reconcile --json | jq '.checks[].findings[]'",
    ],
  )
    .option('--deep', 'also read the topic again, and find each record in the warehouse')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
In one snapshot of the warehouse: the ledger's ranges tile; in each batch consumed = loaded + duplicate + skipped +
dead-lettered, counted from the facts and dead letters themselves; rollup and order keys agree with the
facts; dead letters are published; watermarks lie within Kafka's log. A job may run meanwhile.
Exit codes: 0 balanced, 6 not balanced, 1 failed, 2 usage or configuration.`,
    )
    .action(run)
}

async function run({ deep = false, json = false }: { deep?: boolean; json?: boolean }): Promise<void> {
  await inSession(async ({ pool, kafka, isOfOne, stream, installed }) => {
    const reports: ReconcileReport[] = []
    for (const { definition, config } of installed) {
      if (isOfOne && definition.name !== stream) continue
      const report = await reconcile({
        pool,
        stream: compile(definition),
        kafka,
        topic: config.KAFKA_TOPIC,
        deep,
        onProgress: showProgress,
      })
      showProgress('')
      if (!json) print(`${reports.length === 0 ? '' : '\n'}${renderReconciliation(report)}`)
      reports.push(report)
    }
    if (json) printJson(isOfOne ? reports[0] : reports)
    if (reports.length > 1 && !json)
      print(`\n${reports.map((report) => `${report.stream}: ${verdict(report)}`).join('\n')}`)
    if (reports.some(({ balanced }) => !balanced)) process.exitCode = EXIT.findings
  })
}

/** One line that is written over, for who looks at a terminal. */
function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
}
