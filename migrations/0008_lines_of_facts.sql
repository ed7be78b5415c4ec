-- A field of rows is a table of lines beside the facts, partitioned by the same months. The first statement is
-- drizzle-kit's; the functions are by hand. They keep their owner and who may execute them.
ALTER TABLE "audit"."streams" ADD COLUMN "lines" jsonb DEFAULT '[]'::jsonb NOT NULL;
--> statement-breakpoint

-- As before (0006), and the month of each table of lines with that of the facts. A month of facts may be there without
-- that of its lines, where the field was declared later. Facts come first, as in a load and a drop: each takes
-- its locks in that order.
CREATE OR REPLACE FUNCTION "audit"."ensure_partition"(of_stream text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
  ending text := '_' || to_char(month, 'YYYY_MM');
  parents text[];
  parent text;
  made boolean := false;
BEGIN
  SELECT s.facts || ARRAY(SELECT l ->> 'table' FROM jsonb_array_elements(s.lines) l) INTO parents
  FROM audit.streams s WHERE s.name = of_stream;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % is registered: run npm run migrate', of_stream USING ERRCODE = 'undefined_object';
  END IF;
  IF moment < now() - interval '101 years' OR moment > now() + interval '62 days' THEN
    RAISE EXCEPTION 'no partition is made for %', moment USING ERRCODE = 'datetime_field_overflow';
  END IF;
  IF NOT EXISTS (SELECT FROM unnest(parents) p WHERE to_regclass(format('warehouse.%I', p || ending)) IS NULL) THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: ensure_partition'));
  FOREACH parent IN ARRAY parents LOOP
    -- Not to_regclass again: it answers from a cache that the wait for an advisory lock doesn't refresh.
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_class WHERE relnamespace = 'warehouse'::regnamespace AND relname = parent || ending
    );
    EXECUTE format('CREATE TABLE warehouse.%I (LIKE warehouse.%I INCLUDING ALL EXCLUDING IDENTITY)', parent || ending, parent);
    EXECUTE format('ALTER TABLE warehouse.%I ATTACH PARTITION warehouse.%I FOR VALUES FROM (%L) TO (%L)',
      parent, parent || ending, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
      to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    made := true;
  END LOOP;
  RETURN made;
END
$$;
--> statement-breakpoint

-- As before (0006), and the lines of these facts with them: as many as the facts say, or nothing is dropped.
CREATE OR REPLACE FUNCTION "audit"."drop_partition"(of_stream text, month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  stream audit.streams;
  name text;
  begins timestamptz := month::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
  facts bigint;
  accounted bigint;
  rollup jsonb;
  summed bigint;
  lines jsonb;
  line_table text;
  counted bigint;
  gone text[] := '{}';
  wrong text[] := '{}';
BEGIN
  SELECT s.* INTO stream FROM audit.streams s WHERE s.name = of_stream;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % is registered: run npm run migrate', of_stream USING ERRCODE = 'undefined_object';
  END IF;
  IF month IS NULL OR month <> date_trunc('month', month::timestamp) THEN
    RAISE EXCEPTION '% is not the first day of a month', month USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF ends > now() - interval '31 days' THEN
    RAISE EXCEPTION 'the month of % is not dropped: it ended less than 31 days ago', month
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- An older snapshot would not see facts that were committed while we waited for the month's lock.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'months are dropped in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  name := stream.facts || '_' || to_char(month, 'YYYY_MM');
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  -- Not to_regclass: it answers from a cache that the wait for an advisory lock doesn't refresh.
  IF NOT EXISTS (
    SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = format('warehouse.%I', stream.facts)::regclass
      AND relnamespace = 'warehouse'::regnamespace AND relname = name
  ) THEN
    RETURN 0;
  END IF;
  EXECUTE format('LOCK TABLE warehouse.%I IN SHARE MODE', name);
  EXECUTE format($counting$
    WITH counted AS (
      SELECT batch_id, source_partition, incarnation, count(*) AS facts,
             min(source_offset) AS low, max(source_offset) AS high
      FROM warehouse.%I GROUP BY batch_id, source_partition, incarnation
    ), placed AS (
      SELECT c.*, p.topic, p.partition
      FROM counted c JOIN audit.partition_progress p ON p.stream = %L AND p.source_partition = c.source_partition
    ), in_ledger AS (
      UPDATE audit.pipeline_batches b SET dropped = b.dropped + c.facts
      FROM placed c
      WHERE b.batch_id = c.batch_id AND (b.topic, b.partition, b.incarnation) = (c.topic, c.partition, c.incarnation)
      RETURNING c.facts
    ), folded AS (
      UPDATE audit.opening_balances o SET dropped = o.dropped + f.facts, updated_at = now()
      FROM (
        SELECT c.topic, c.partition, c.incarnation, sum(c.facts) AS facts, min(c.low) AS low, max(c.high) AS high
        FROM placed c
        WHERE NOT EXISTS (SELECT FROM audit.pipeline_batches b WHERE b.batch_id = c.batch_id)
        GROUP BY 1, 2, 3
      ) f
      WHERE (o.topic, o.partition, o.incarnation) = (f.topic, f.partition, f.incarnation)
        AND f.low >= o.from_offset AND f.high < o.to_offset
      RETURNING f.facts
    )
    SELECT coalesce((SELECT sum(facts) FROM counted), 0),
           coalesce((SELECT sum(facts) FROM in_ledger), 0) + coalesce((SELECT sum(facts) FROM folded), 0)
    $counting$, name, of_stream) INTO facts, accounted;
  IF accounted <> facts THEN
    wrong := wrong || format('batches and opening balances have %s of them', accounted);
  END IF;
  -- The lines of these facts are in a month of their own table, and as many as the facts say. They are locked after the
  -- facts, as a load does it.
  FOR lines IN SELECT jsonb_array_elements(stream.lines) LOOP
    line_table := (lines ->> 'table') || '_' || to_char(month, 'YYYY_MM');
    counted := 0;
    IF EXISTS (
      SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
      WHERE inhparent = format('warehouse.%I', lines ->> 'table')::regclass
        AND relnamespace = 'warehouse'::regnamespace AND relname = line_table
    ) THEN
      EXECUTE format('LOCK TABLE warehouse.%I IN SHARE MODE', line_table);
      EXECUTE format('SELECT count(*) FROM warehouse.%I', line_table) INTO counted;
      gone := gone || line_table;
    END IF;
    EXECUTE format('SELECT coalesce(sum(%I), 0) FROM warehouse.%I', lines ->> 'count', name) INTO summed;
    IF counted <> summed THEN
      wrong := wrong || format('%s has %s lines of %s', lines ->> 'table', counted, summed);
    END IF;
  END LOOP;
  FOR rollup IN SELECT jsonb_array_elements(stream.rollups) LOOP
    EXECUTE format($summing$
      WITH gone AS (DELETE FROM warehouse.%I WHERE %I >= $1 AND %I < $2 RETURNING %I AS counted)
      SELECT coalesce(sum(counted), 0) FROM gone
      $summing$, rollup ->> 'table', rollup ->> 'time', rollup ->> 'time', rollup ->> 'count')
      INTO summed USING begins, ends;
    IF summed <> facts THEN
      wrong := wrong || format('%s has %s', rollup ->> 'table', summed);
    END IF;
  END LOOP;
  -- Books that are wrong are evidence: they are not tidied away.
  IF cardinality(wrong) > 0 THEN
    RAISE EXCEPTION 'the month of % is not dropped: it has % facts, but %; see pulse reconcile',
      month, facts, array_to_string(wrong, ', ') USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SET LOCAL lock_timeout = '200ms';
  EXECUTE format('DROP TABLE warehouse.%I', name);
  FOREACH line_table IN ARRAY gone LOOP
    EXECUTE format('DROP TABLE warehouse.%I', line_table);
  END LOOP;
  RETURN facts;
END
$$;
