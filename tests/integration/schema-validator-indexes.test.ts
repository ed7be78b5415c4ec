import { findsWhatIsBroken, PARTITIONED } from '../support/broken-schemas.ts'

findsWhatIsBroken('indexes', [
  {
    name: 'an index whose building failed',
    schema: ['CREATE TABLE t (id int PRIMARY KEY, n int)', 'INSERT INTO t VALUES (1, 1), (2, 1)'],
    failing: 'CREATE UNIQUE INDEX CONCURRENTLY broken ON t (n)',
    expected: ['error index-validity broken: not ready: it is being built, or building it failed'],
  },
  {
    name: 'an invalid index on a partition',
    schema: [
      ...PARTITIONED,
      'ALTER TABLE p ADD PRIMARY KEY (id, at)',
      `INSERT INTO p VALUES (1, '2026-01-01'), (1, '2026-01-02')`,
    ],
    failing: 'CREATE UNIQUE INDEX CONCURRENTLY broken ON p1 (id)',
    expected: ['error index-validity broken: not ready: it is being built, or building it failed'],
  },
  {
    name: 'an index that is not ready',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY, n int)',
      'CREATE INDEX broken ON t (n)',
      `UPDATE pg_index SET indisready = false WHERE indexrelid = 'broken'::regclass`,
    ],
    superuser: true,
    expected: ['error index-validity broken: not ready: it is being built, or building it failed'],
  },
  {
    name: 'an index that is being dropped',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY, n int)',
      'CREATE INDEX broken ON t (n)',
      `UPDATE pg_index SET indislive = false WHERE indexrelid = 'broken'::regclass`,
    ],
    superuser: true,
    expected: ['warning index-validity broken: is being dropped, or a drop was interrupted'],
  },
  {
    name: 'an index on a column that is not there',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY, n int)',
      'CREATE INDEX broken ON t (n)',
      `UPDATE pg_attribute SET attisdropped = true WHERE attrelid = 't'::regclass AND attname = 'n'`,
    ],
    superuser: true,
    expected: ['error index-columns broken: on 1 column that the table does not have'],
  },
  {
    name: 'two indexes with the same definition',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY, n int, m text)',
      'CREATE INDEX n1 ON t (n); CREATE INDEX n2 ON t (n); CREATE INDEX n3 ON t (n DESC)',
      'CREATE INDEX m1 ON t (lower(m)); CREATE UNIQUE INDEX m2 ON t (lower(m)); CREATE INDEX m3 ON t (upper(m))',
      'CREATE INDEX p1 ON t (n) WHERE n > 0; CREATE INDEX i1 ON t (n) INCLUDE (m)',
      'CREATE INDEX o1 ON t (m); CREATE INDEX o2 ON t (m text_pattern_ops)',
    ],
    expected: [
      'warning duplicate-index t: indexes with the same definition: m1, m2',
      'warning duplicate-index t: indexes with the same definition: n1, n2',
    ],
  },
  {
    name: 'two such indexes on a partitioned table, which its partitions do not repeat',
    schema: [
      ...PARTITIONED,
      'ALTER TABLE p ADD PRIMARY KEY (id, at)',
      'CREATE INDEX n1 ON p (id); CREATE INDEX n2 ON p (id)',
    ],
    expected: ['warning duplicate-index p: indexes with the same definition: n1, n2'],
  },
])
