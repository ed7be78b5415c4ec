/**
 * The statements that read pg_catalog (Postgres 12 and later). They need no privilege beyond a
 * connection. Only pg_get_expr locks a table, and in a mode that readers share. Columns that only
 * newer versions have are read through `to_jsonb(row)`, which gives null where there is no such
 * column. Labels are quoted as SQL would quote them, so that they can be copied into a statement.
 */

export const SERVER = `
  SELECT current_database() AS database, current_user AS role, current_setting('server_version') AS version,
         pg_is_in_recovery() AS standby`

/** $1: names of schemas, or null for all but the system's. */
export const SCHEMAS = `
  SELECT nspname AS name
  FROM pg_namespace
  WHERE CASE WHEN $1::text[] IS NULL THEN nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
             ELSE nspname = ANY ($1) END
  ORDER BY nspname`

/**
 * $1: names of schemas. Every table and view in them. A partition comes with the table at the root of
 * its tree and goes where that goes, because it is validated as a part of it.
 */
export const RELATIONS = `
  WITH RECURSIVE tree (oid, root) AS (
    SELECT oid, oid FROM pg_class WHERE relkind = 'p' AND NOT relispartition
    UNION ALL
    SELECT i.inhrelid, tree.root FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
  )
  SELECT c.oid, n.nspname AS schema, c.relname AS name,
         quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS label,
         CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
                        WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
         CASE WHEN c.relispartition THEN tree.root END AS root,
         hn.nspname = ANY ($1) AS selected,
         c.relpersistence = 'u' AS unlogged,
         c.relispopulated AS populated,
         c.reltuples < 0 AS "neverAnalysed",
         row_security_active(c.oid) AS "rowsHidden",
         has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'INSERT') AS "mayInsert",
         EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                 AND d.deptype = 'e') AS extension,
         (SELECT string_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname), ', ' ORDER BY x.inhseqno)
          FROM pg_inherits x JOIN pg_class p ON p.oid = x.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
          WHERE x.inhrelid = c.oid) AS parents
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN tree ON tree.oid = c.oid
  JOIN pg_class home ON home.oid = coalesce(tree.root, c.oid)
  JOIN pg_namespace hn ON hn.oid = home.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND (n.nspname = ANY ($1) OR hn.nspname = ANY ($1))
  ORDER BY n.nspname, c.relname`

/** Tables of this session alone: they live in a schema of the system's and end with the session. */
export const TEMPORARY = `
  SELECT count(*)::int AS count
  FROM pg_class
  WHERE relpersistence = 't' AND relkind IN ('r', 'p') AND relnamespace = pg_my_temp_schema()`

/** $1: oids of tables. A column is not nullable also where its domain says so. */
export const COLUMNS = `
  SELECT a.attrelid AS table, a.attname AS name, quote_ident(a.attname) AS label,
         format_type(a.atttypid, a.atttypmod) AS type, t.typisdefined AS "typeDefined",
         NOT (a.attnotnull OR t.typnotnull) AS nullable,
         a.attidentity = 'a' OR a.attgenerated <> '' AS "serverSets"
  FROM pg_attribute a
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`

/**
 * $1: oids of tables. `definition` is the same for two indexes exactly if they index the same thing in
 * the same order; it leaves out whether the index is unique, for a unique one does the other's work.
 */
export const INDEXES = `
  SELECT i.indrelid AS table, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS label,
         i.indisvalid AS valid, i.indisready AS ready, i.indislive AS live, i.indisunique AS unique,
         i.indisprimary AS primary, i.indisexclusion AS exclusion, c.relispartition AS attached,
         c.relkind = 'I' AS partitioned,
         (SELECT count(*)::int FROM unnest(i.indkey::int2[]) AS key (attnum)
          WHERE attnum <> 0 AND NOT EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = key.attnum AND NOT a.attisdropped)) AS "missingColumns",
         (SELECT coalesce(array_agg(a.attname::text ORDER BY key.position), '{}')
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (attnum, position)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
          WHERE key.position <= i.indnkeyatts) AS columns,
         jsonb_build_array(c.relam, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text,
           i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid))::text
           AS definition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indrelid = ANY ($1::oid[])
  ORDER BY n.nspname, c.relname`

/** $1: oids of tables. Everything but foreign keys, which have a statement of their own. */
export const CONSTRAINTS = `
  SELECT con.conrelid AS table, quote_ident(con.conname) AS label,
         CASE con.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check'
                          WHEN 'x' THEN 'exclusion' ELSE 'not null' END AS kind,
         con.convalidated AS validated,
         coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
         con.condeferrable AS deferrable, con.coninhcount > 0 AS inherited
  FROM pg_constraint con
  WHERE con.conrelid = ANY ($1::oid[]) AND con.contype IN ('p', 'u', 'c', 'x', 'n')
  ORDER BY con.conname`

/**
 * $1: oids of tables. `inherited` is a partition's copy of its parent's key. The operators are those that the key
 * itself compares with. `disabledTriggers` counts those of its triggers that don't fire in a normal session.
 */
export const FOREIGN_KEYS = `
  SELECT con.conrelid AS table, con.conname AS name, quote_ident(con.conname) AS label,
         con.conparentid <> 0 AS inherited, con.confmatchtype = 'f' AS "matchFull",
         con.convalidated AS validated, con.condeferrable AS deferrable,
         coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
         coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false) AS temporal,
         (SELECT count(*)::int FROM pg_trigger t
          WHERE t.tgconstraint = con.oid AND t.tgenabled IN ('D', 'R')) AS "disabledTriggers",
         pn.nspname AS "parentSchema", p.relname AS "parentName", p.relkind = 'p' AS "parentPartitioned",
         quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS "parentLabel",
         row_security_active(p.oid) AS "parentRowsHidden",
         k.columns
  FROM pg_constraint con
  JOIN pg_class p ON p.oid = con.confrelid
  JOIN pg_namespace pn ON pn.oid = p.relnamespace
  CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
             'child', ca.attname, 'parent', pa.attname,
             'childType', format_type(coalesce(nullif(ct.typbasetype, 0), ct.oid), NULL),
             'parentType', format_type(coalesce(nullif(pt.typbasetype, 0), pt.oid), NULL),
             'operator', quote_ident(opn.nspname) || '.' || op.oprname,
             'collation', CASE WHEN ca.attcollation <> pa.attcollation
                               THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END
           ) ORDER BY key.position) AS columns
    FROM unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS key (child, parent, operator, position)
    JOIN pg_attribute ca ON ca.attrelid = con.conrelid AND ca.attnum = key.child
    JOIN pg_attribute pa ON pa.attrelid = con.confrelid AND pa.attnum = key.parent
    JOIN pg_type ct ON ct.oid = ca.atttypid
    JOIN pg_type pt ON pt.oid = pa.atttypid
    JOIN pg_operator op ON op.oid = key.operator
    JOIN pg_namespace opn ON opn.oid = op.oprnamespace
    LEFT JOIN pg_collation co ON co.oid = pa.attcollation
    LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
  ) k
  WHERE con.conrelid = ANY ($1::oid[]) AND con.contype = 'f'
  ORDER BY con.conname`
