import { findsWhatIsBroken, PARENT, PARTITIONED } from '../support/broken-schemas.ts'

findsWhatIsBroken('constraints and rows', [
  {
    name: 'constraints that were never validated, and the orphans they let stay',
    schema: [
      PARENT,
      'CREATE TABLE t (id int PRIMARY KEY, p int)',
      'INSERT INTO t VALUES (1, 7), (2, NULL)',
      'ALTER TABLE t ADD CHECK (id < 0) NOT VALID',
      'ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES parent NOT VALID',
    ],
    expected: [
      'warning not-valid t t_id_check: NOT VALID: rows from before it were never checked',
      'warning not-valid t t_p_fkey: NOT VALID: rows from before it were never checked',
      'error orphans t t_p_fkey: 1 of 1 row without a parent in parent; list them with',
    ],
  },
  {
    name: 'foreign keys whose triggers are disabled, also on one partition alone',
    schema: [
      PARENT,
      ...PARTITIONED,
      'ALTER TABLE p ADD PRIMARY KEY (id, at)',
      'ALTER TABLE p ADD FOREIGN KEY (id) REFERENCES parent',
      'CREATE TABLE t (id int PRIMARY KEY REFERENCES parent)',
      'ALTER TABLE t DISABLE TRIGGER ALL; ALTER TABLE p2 DISABLE TRIGGER ALL',
      `INSERT INTO t VALUES (7); INSERT INTO p VALUES (8, '2026-02-02')`,
    ],
    superuser: true,
    expected: [
      'warning disabled-triggers p2 p_id_fkey: its triggers are disabled: orphans are let in',
      'warning disabled-triggers t t_id_fkey: its triggers are disabled: orphans are let in',
      'error orphans p p_id_fkey: 1 of 1 row without a parent in parent; list them with',
      'error orphans t t_id_fkey: 1 of 1 row without a parent in parent; list them with',
    ],
  },
  {
    name: 'orphans of a key to its own table',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY, up int)',
      'INSERT INTO t VALUES (1, NULL), (2, 1), (3, 9)',
      'ALTER TABLE t ADD FOREIGN KEY (up) REFERENCES t NOT VALID',
    ],
    expected: [
      /^warning not-valid/,
      'error orphans t t_up_fkey: 1 of 2 rows without a parent in t; list them with',
    ],
  },
  {
    name: 'orphans of a key of two columns: where one is null, only MATCH FULL objects',
    schema: [
      PARENT,
      'INSERT INTO parent VALUES (1, 1, 1)',
      'CREATE TABLE simple (id int PRIMARY KEY, x int, y int)',
      'CREATE TABLE "full" (LIKE simple INCLUDING ALL)',
      'INSERT INTO simple VALUES (1, 1, 1), (2, 9, NULL), (3, NULL, NULL), (4, 1, 9)',
      'INSERT INTO "full" TABLE simple',
      'ALTER TABLE simple ADD FOREIGN KEY (x, y) REFERENCES parent (a, b) NOT VALID',
      'ALTER TABLE "full" ADD FOREIGN KEY (x, y) REFERENCES parent (a, b) MATCH FULL NOT VALID',
    ],
    expected: [
      /^warning not-valid/,
      /^warning not-valid/,
      'error orphans "full" full_x_y_fkey: 2 of 3 rows without a parent in parent; list them with',
      'error orphans simple simple_x_y_fkey: 1 of 2 rows without a parent in parent; list them with',
    ],
  },
  {
    name: 'orphans of a key that uses a column twice',
    schema: [
      PARENT,
      'INSERT INTO parent VALUES (1, 1, 1)',
      'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)',
      'ALTER TABLE t ADD FOREIGN KEY (id, id) REFERENCES parent (a, b) NOT VALID',
    ],
    expected: [
      /^warning not-valid/,
      /^error orphans t t_id_id1?_fkey: 1 of 2 rows without a parent in parent/,
    ],
  },
  {
    name: 'a foreign key that one partition alone has',
    schema: [
      PARENT,
      ...PARTITIONED,
      'ALTER TABLE p ADD PRIMARY KEY (id, at)',
      `INSERT INTO p VALUES (1, '2026-01-01'), (2, '2026-02-01')`,
      'ALTER TABLE p1 ADD FOREIGN KEY (id) REFERENCES parent NOT VALID',
    ],
    expected: [
      /^warning not-valid p1/,
      'error orphans p1 p1_id_fkey: 1 of 1 row without a parent in parent; list them with',
    ],
  },
  {
    name: 'a table into which nothing can be inserted',
    schema: [
      'CREATE TABLE t (id int PRIMARY KEY)',
      'CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO t VALUES (1)',
    ],
    expected: [/^error inserts t: an INSERT can't be prepared: infinite recursion detected in rules .*42P17/],
  },
  {
    name: 'a materialized view that was never filled',
    schema: [PARENT, 'CREATE MATERIALIZED VIEW m AS SELECT 1 AS one WITH NO DATA'],
    expected: ["warning queryable m: can't be queried before its first REFRESH"],
  },
])
