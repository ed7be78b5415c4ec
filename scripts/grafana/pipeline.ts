import { dashboards } from '../../streams/dashboards.ts'
import { dashboard } from './dashboard.ts'
import { about, heading } from './panels.ts'
import * as charts from './pipeline-charts.ts'
import * as tables from './pipeline-tables.ts'
import { streamVariable } from './streams.ts'
import type { Json } from './warehouse.ts'

export const PIPELINE_UID = 'pulse-pipeline'

export const pipeline = dashboard({
  uid: PIPELINE_UID,
  title: 'Pipeline',
  description: 'Does everything that is produced arrive, in time and exactly once?',
  from: 'now-3h',
  neighbours: Object.values<Json>(dashboards) as { uid: string; title: string }[],
  variables: [streamVariable],
  lines: [
    [
      about(
        'What is this page for, and what does it not know?',
        'What the warehouse knows of the job: a run every 30 seconds loads what Kafka holds. ' +
          '**Lag is as of the last look of a run**; that of this second is in the operator console (link above) ' +
          'and in `pulse status`. Lateness is told in time: how long the loaded records had waited.',
      ),
    ],
    [charts.lastSuccess, charts.freshness95, charts.newestRecord, charts.lag],
    [charts.deadLetterShare, charts.failedRuns, charts.stoppedPartitions, charts.openLosses],
    [heading(10, 'Is it in time?')],
    [charts.freshness, charts.outcomes],
    [charts.stages, charts.runDuration],
    [tables.partitions],
    [heading(16, 'Is it right?')],
    [charts.deadLettersByCode],
    [tables.deadLetters],
    [tables.losses],
    [heading(20, 'Runs')],
    [tables.failedRuns],
    [tables.runs],
  ],
})
