import type { Command } from 'commander'
import { addCommand, JSON_OPTION } from './arguments.ts'
import { EXIT } from './errors.ts'
import { print, printJson } from './output.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { compile, theOnly } from '../../etl/stream/compile.ts'
import { streams } from '../../streams/index.ts'
import { inSession } from './session.ts'

export function addReconcile(parent: Command): void {
  addCommand(
    parent,
    'reconcile',
    'Proves that every record that was consumed is accounted for, exactly once.',
    ['reconcile', 'reconcile --deep', "reconcile --json | jq '.checks[].findings[]'"],
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
  await inSession(async ({ config, pool, kafka }) => {
    const report = await reconcile({
      pool,
      stream: compile(theOnly(streams)),
      kafka,
      topic: config.KAFKA_TOPIC,
      deep,
      onProgress: showProgress,
    })
    showProgress('')
    if (json) printJson(report)
    else print(renderReconciliation(report))
    if (!report.balanced) process.exitCode = EXIT.findings
  })
}

/** One line that is written over, for who looks at a terminal. */
function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
}
