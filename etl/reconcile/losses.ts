import { count, offsets } from '../text/wording.ts'
import { Findings } from './findings.ts'
import type { CheckResult, DataLoss } from './report.ts'
import type { Snapshot } from './snapshot.ts'

/** No data loss is open: an operator has acknowledged each with a reason. All of them are told. */
export async function checkLosses(snapshot: Snapshot): Promise<CheckResult & { losses: DataLoss[] }> {
  const { rows } = await snapshot.query<
    Omit<DataLoss, 'detectedAt' | 'acknowledgedAt'> & { detectedAt: Date; acknowledgedAt: Date | null }
  >(
    `select topic, partition, incarnation, from_offset as "fromOffset", to_offset as "toOffset",
            detected_at as "detectedAt", acknowledged_at as "acknowledgedAt", acknowledged_by as "acknowledgedBy", reason
     from audit.data_losses order by topic, partition, incarnation, from_offset`,
  )
  const findings = new Findings()
  const losses = rows.map((row) => ({
    ...row,
    detectedAt: row.detectedAt.toISOString(),
    acknowledgedAt: row.acknowledgedAt?.toISOString() ?? null,
  }))
  for (const loss of losses) {
    if (loss.acknowledgedAt !== null) continue
    findings.add(
      'not acknowledged',
      `${loss.topic}/${loss.partition}`,
      `lost before they were loaded: ${offsets(loss.fromOffset, loss.toOffset)} (found ${loss.detectedAt}); ` +
        `pulse partitions acknowledge-loss ${loss.partition} ${loss.fromOffset} --reason …`,
    )
  }
  return {
    rule: 'each data loss is acknowledged, with a reason',
    scope: count(losses.length, 'data loss', 'data losses'),
    findings: findings.groups,
    losses,
  }
}
