import { findsWhatIsBroken, PARENT, PARTITIONED } from '../support/broken-schemas.ts'

findsWhatIsBroken('tables, columns and keys', [
  { name: 'no tables at all', schema: [], expected: [/^error tables s_\w+: no tables found$/] },
  {
    name: 'a table without columns',
    schema: ['CREATE TABLE t ()'],
    expected: ['error columns t: the table has no columns', 'error primary-key t: no primary key'],
  },
  {
    name: 'a table without a primary key',
    schema: [PARENT, 'CREATE TABLE t (id int NOT NULL UNIQUE)'],
    expected: ['error primary-key t: no primary key'],
  },
  {
    name: 'a table that inherits from one with a primary key and has none itself',
    schema: [PARENT, 'CREATE TABLE t () INHERITS (parent)'],
    expected: ['error primary-key t: no primary key'],
  },
  {
    name: 'a partitioned table whose partitions alone have primary keys',
    schema: [...PARTITIONED, 'ALTER TABLE p1 ADD PRIMARY KEY (id)', 'ALTER TABLE p2 ADD PRIMARY KEY (id)'],
    expected: [
      'warning primary-key p: the primary key is only on its partitions, so it is not unique across them',
    ],
  },
  {
    name: 'a partition that lacks the primary key of its parent',
    schema: [
      ...PARTITIONED,
      'ALTER TABLE p ALTER id SET NOT NULL, ALTER at SET NOT NULL',
      'ALTER TABLE p1 ADD PRIMARY KEY (id, at)',
      'ALTER TABLE ONLY p ADD PRIMARY KEY (id, at)',
    ],
    expected: [
      'error primary-key p: no primary key on 1 of 2 partitions: p2',
      'error index-validity p_pkey: invalid: not every partition has its part',
    ],
  },
  {
    name: 'nullable columns that look like ids',
    schema: [
      'CREATE DOMAIN must AS int NOT NULL',
      'CREATE TABLE t (id int PRIMARY KEY, a_id int, "B_ID" must, "c_Id" int, paid int)',
    ],
    expected: ['warning nullable-id t: nullable a_id, "c_Id"'],
  },
  {
    name: 'names that only look different',
    schema: ['CREATE TABLE t (id int PRIMARY KEY, name text, "Name" text, " name" text)'],
    expected: [
      'warning column-names t: names that look alike: name, "Name", " name"',
      'warning column-names t: a name that begins or ends with a space: " name"',
    ],
  },
  {
    name: 'a foreign key of another type than the column it refers to',
    schema: [PARENT, 'CREATE TABLE t (id int PRIMARY KEY, p bigint REFERENCES parent)'],
    expected: ['warning foreign-key-types t t_p_fkey: p is bigint and refers to id, which is integer'],
  },
])
