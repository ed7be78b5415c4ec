import type { Catalogue, Index, Parts } from '../catalogue.ts'
import { failure, ok, section, warning, type Finding, type Section } from '../report.ts'
import { count, list } from '../wording.ts'

/** Found, valid, on columns that exist, and none for nothing. Partitions' indexes count, but are named only when broken. */
export function checkIndexes({ tables }: Catalogue): Section {
  if (tables.length === 0) return section('indexes', [])
  const all = tables.flatMap((table) => [table as Parts, ...table.partitions])
  const indexes = all.flatMap((parts) => parts.indexes)
  const broken = indexes.flatMap(checkState)
  const misplaced = indexes.flatMap(checkColumns)
  const own = tables.reduce((sum, table) => sum + table.indexes.length, 0)
  const ofPartitions = indexes.length - own
  const found = ofPartitions > 0 ? `, and ${count(ofPartitions, 'index')} of their partitions` : ''
  return section('indexes', [
    own > 0 ? ok('indexes', `${count(own, 'index')} of tables${found}`) : ok('indexes', 'No indexes'),
    ...(broken.length > 0 ? broken : [ok('index-validity', 'Every index is valid')]),
    ...(misplaced.length > 0 ? misplaced : [ok('index-columns', 'Every index is on existing columns')]),
    ...all.flatMap(checkDuplicates),
  ])
}

function checkState({ label, live, valid, ready, partitioned }: Index): Finding[] {
  if (!live) return [warning('index-validity', label, 'is being dropped, or a drop was interrupted')]
  if (valid && ready) return []
  const why = partitioned
    ? 'invalid: not every partition has its part'
    : `${ready ? 'invalid' : 'not ready'}: it is being built, or building it failed`
  return [failure('index-validity', label, why)]
}

function checkColumns({ label, missingColumns }: Index): Finding[] {
  if (missingColumns === 0) return []
  return [
    failure('index-columns', label, `on ${count(missingColumns, 'column')} that the table does not have`),
  ]
}

/** Those of partitions repeat their parents', who have the finding already. */
function checkDuplicates({ relation, indexes }: Parts): Finding[] {
  const usable = indexes.filter(({ valid, exclusion }) => valid && !exclusion)
  return [...Map.groupBy(usable, ({ definition }) => definition).values()]
    .filter((group) => group.length > 1 && !group.every(({ attached }) => attached))
    .map((group) =>
      warning(
        'duplicate-index',
        relation.label,
        `indexes with the same definition: ${list(group.map(({ label }) => label))}`,
      ),
    )
}
