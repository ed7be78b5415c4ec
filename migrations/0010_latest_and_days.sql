ALTER TABLE "audit"."streams" ADD COLUMN "current" text;
--> statement-breakpoint
ALTER TABLE "audit"."streams" ADD COLUMN "version" text[] DEFAULT '{}'::text[] NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."streams" ADD COLUMN "keep_versions" integer;
--> statement-breakpoint
ALTER TABLE "audit"."streams" ADD COLUMN "partition_by" text DEFAULT 'month';
--> statement-breakpoint
ALTER TABLE "audit"."streams" ADD COLUMN "keep_days" integer;
--> statement-breakpoint

-- By hand from here on. As before (0008), by month or by day, as the stream declares it; none of a stream that has no
-- partitions.
CREATE OR REPLACE FUNCTION "audit"."ensure_partition"(of_stream text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  begins timestamp;
  unit text;
  ending text;
  parents text[];
  parent text;
  made boolean := false;
BEGIN
  SELECT s.facts || ARRAY(SELECT l ->> 'table' FROM jsonb_array_elements(s.lines) l), s.partition_by INTO parents, unit
  FROM audit.streams s WHERE s.name = of_stream AND s.partition_by IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % with partitions is registered: run npm run migrate', of_stream
      USING ERRCODE = 'undefined_object';
  END IF;
  IF moment < now() - interval '101 years' OR moment > now() + interval '62 days' THEN
    RAISE EXCEPTION 'no partition is made for %', moment USING ERRCODE = 'datetime_field_overflow';
  END IF;
  begins := date_trunc(unit, moment AT TIME ZONE 'UTC');
  ending := to_char(begins, CASE unit WHEN 'day' THEN '_YYYY_MM_DD' ELSE '_YYYY_MM' END);
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
      parent, parent || ending, to_char(begins, 'YYYY-MM-DD') || ' 00:00:00+00',
      to_char(begins + ('1 ' || unit)::interval, 'YYYY-MM-DD') || ' 00:00:00+00');
    made := true;
  END LOOP;
  RETURN made;
END
$$;
--> statement-breakpoint
-- Another name of its argument.
DROP FUNCTION "audit"."drop_partition"(text, date);
--> statement-breakpoint

-- Drops the partition of a stream that begins on this day, a month or a day: its facts, its part of the rollups and its partition, and
-- writes into the ledger how many facts of each batch are gone, all in one transaction: at any moment a batch's
-- facts that are there and those that were dropped are those that were loaded. Says how many facts went.
--
-- Loads go on meanwhile. The month itself is locked first, against writers only (SHARE), so that what is
-- counted is what is dropped. The lock on the parent table that DROP needs, against everybody, comes last
-- and is given up after 0.2 s: what is not dropped now is dropped another time. A load that waits for this
-- month holds the parent's lock, so that each waits for the other until then; the load goes on.
CREATE FUNCTION "audit"."drop_partition"(of_stream text, first_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  stream audit.streams;
  name text;
  batch_of text := 't.batch_id';
  begins timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
  ends timestamptz;
  facts bigint;
  accounted bigint;
  rollup jsonb;
  summed bigint;
  ending text; -- of the names of partitions
  lines jsonb;
  line_table text;
  counted bigint;
  gone text[] := '{}';
  wrong text[] := '{}';
BEGIN
  SELECT s.* INTO stream FROM audit.streams s WHERE s.name = of_stream AND s.partition_by IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % with partitions is registered: run npm run migrate', of_stream
      USING ERRCODE = 'undefined_object';
  END IF;
  IF first_day IS NULL OR first_day <> date_trunc(stream.partition_by, first_day::timestamp) THEN
    RAISE EXCEPTION '% is not the first day of a month', first_day USING ERRCODE = 'invalid_parameter_value';
  END IF;
  ends := (first_day + ('1 ' || stream.partition_by)::interval) AT TIME ZONE 'UTC';
  -- What the declaration says, which only the owner writes down here.
  IF ends > now() - make_interval(days => coalesce(stream.keep_days, 31)) THEN
    RAISE EXCEPTION 'the % of % is not dropped: it ended less than % days ago', stream.partition_by, first_day,
      coalesce(stream.keep_days, 31) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- An older snapshot would not see facts that were committed while we waited for the month's lock.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'months are dropped in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  ending := to_char(first_day, CASE stream.partition_by WHEN 'day' THEN '_YYYY_MM_DD' ELSE '_YYYY_MM' END);
  name := stream.facts || ending;
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
  -- Facts that don't name their batch are of the one whose range has their offset.
  IF NOT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = format('warehouse.%I', name)::regclass AND attname = 'batch_id'
      AND NOT attisdropped
  ) THEN
    batch_of := format($batch$(
        SELECT b.batch_id
        FROM audit.partition_progress p
        CROSS JOIN LATERAL (
          SELECT l.batch_id, l.to_offset FROM audit.pipeline_batches l
          WHERE l.topic = p.topic AND l.partition = p.partition AND l.incarnation = t.incarnation
            AND l.from_offset <= t.source_offset
          ORDER BY l.from_offset DESC LIMIT 1
        ) b
        WHERE p.stream = %L AND p.source_partition = t.source_partition AND b.to_offset > t.source_offset
      )$batch$, of_stream);
  END IF;
  EXECUTE format($counting$
    WITH counted AS (
      SELECT batch_id, source_partition, incarnation, count(*) AS facts,
             min(source_offset) AS low, max(source_offset) AS high
      FROM (SELECT %s AS batch_id, source_partition, incarnation, source_offset FROM warehouse.%I t) of_batches
      GROUP BY batch_id, source_partition, incarnation
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
    $counting$, batch_of, name, of_stream) INTO facts, accounted;
  IF accounted <> facts THEN
    wrong := wrong || format('batches and opening balances have %s of them', accounted);
  END IF;
  -- The lines of these facts are in a partition of their own table, and as many as the facts say. They are locked after
  -- the facts, as a load does it.
  FOR lines IN SELECT jsonb_array_elements(stream.lines) LOOP
    line_table := (lines ->> 'table') || ending;
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
    RAISE EXCEPTION 'the % of % is not dropped: it has % facts, but %; see pulse reconcile',
      stream.partition_by, first_day, facts, array_to_string(wrong, ', ') USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SET LOCAL lock_timeout = '200ms';
  EXECUTE format('DROP TABLE warehouse.%I', name);
  FOREACH line_table IN ARRAY gone LOOP
    EXECUTE format('DROP TABLE warehouse.%I', line_table);
  END LOOP;
  RETURN facts;
END
$$;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "audit"."drop_partition"(text, date) TO pulse_loader;
--> statement-breakpoint

-- Prunes the history of a stream to as many versions of a key as its declaration keeps, the newest ones, of some thousand
-- keys at once. The current row gets the newest version that went as its floor: what is not above it is a duplicate from
-- then on. The ledger gets what of each batch is gone. Says how many versions went.
--
-- The current rows are locked first, in the order of keys. A load looks at a floor before it writes history and
-- again under that lock, so a version is never there and below the floor by its doing. Versions are ranked in a second
-- statement, which sees what was committed while the locks were waited for. Not while a replay is asked for: it
-- locks history before current rows.
CREATE FUNCTION "audit"."prune_versions"(of_stream text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  keys_at_once CONSTANT integer := 5000;
  stream audit.streams;
  key text;
  version text;
  floors text;
  raised text;
  locked tid[];
  pruned bigint;
  accounted bigint;
BEGIN
  SELECT s.* INTO stream FROM audit.streams s WHERE s.name = of_stream AND s.current IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % with versions is registered: run npm run migrate', of_stream
      USING ERRCODE = 'undefined_object';
  END IF;
  IF stream.keep_versions IS NULL THEN
    RAISE EXCEPTION 'the stream % keeps all versions', of_stream USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'versions are pruned in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  IF EXISTS (SELECT FROM audit.operator_actions WHERE action = 'replay' AND status IN ('pending', 'running')) THEN
    RETURN 0;
  END IF;
  SELECT string_agg(format('%I', part), ', ') INTO key FROM unnest(stream.identity) part;
  SELECT string_agg(format('%I', part), ', '), string_agg(format('%I', 'floor_' || part), ', '),
         string_agg(format('(array_agg(%I ORDER BY nth_version))[1] AS %I', part, 'floor_' || part), ', ')
    INTO version, floors, raised FROM unnest(stream.version) part;
  EXECUTE format($locking$
    SELECT array_agg(place) FROM (
      SELECT c.ctid AS place FROM warehouse.%I c
      JOIN (SELECT %s FROM warehouse.%I GROUP BY %s HAVING count(*) > $1 LIMIT $2) many USING (%s)
      ORDER BY %s FOR UPDATE OF c
    ) rows
    $locking$, stream.current, key, stream.facts, key, key, key) INTO locked USING stream.keep_versions, keys_at_once;
  IF locked IS NULL THEN
    RETURN 0;
  END IF;
  EXECUTE format($pruning$
    WITH ranked AS (
      SELECT h.ctid AS place, row_number() OVER (PARTITION BY %1$s ORDER BY %2$s) AS nth_version
      FROM (SELECT %1$s FROM warehouse.%3$I WHERE ctid = ANY ($1)) c
      JOIN (SELECT ctid, %1$s, %4$s FROM warehouse.%5$I) h USING (%1$s)
    ), gone AS (
      DELETE FROM warehouse.%5$I h USING ranked
      WHERE h.ctid = ranked.place AND ranked.nth_version > $2
      RETURNING h.*, ranked.nth_version
    ), raised AS (
      UPDATE warehouse.%3$I c SET (%6$s) = (SELECT %7$s FROM gone g WHERE (%8$s))
      WHERE c.ctid = ANY ($1) AND EXISTS (SELECT FROM gone g WHERE (%8$s))
    ), placed AS (
      SELECT p.topic, p.partition, g.incarnation, g.source_offset
      FROM gone g JOIN audit.partition_progress p ON p.stream = %9$L AND p.source_partition = g.source_partition
    ), of_batches AS (
      SELECT p.topic, p.partition, p.incarnation, p.source_offset, b.from_offset
      FROM placed p LEFT JOIN LATERAL (
        SELECT l.from_offset, l.to_offset FROM audit.pipeline_batches l
        WHERE (l.topic, l.partition, l.incarnation) = (p.topic, p.partition, p.incarnation)
          AND l.from_offset <= p.source_offset
        ORDER BY l.from_offset DESC LIMIT 1
      ) b ON b.to_offset > p.source_offset
    ), in_ledger AS (
      UPDATE audit.pipeline_batches b SET dropped = b.dropped + n.versions
      FROM (SELECT topic, partition, incarnation, from_offset, count(*) AS versions FROM of_batches
            WHERE from_offset IS NOT NULL GROUP BY 1, 2, 3, 4) n
      WHERE (b.topic, b.partition, b.incarnation, b.from_offset) = (n.topic, n.partition, n.incarnation, n.from_offset)
      RETURNING n.versions
    ), folded AS (
      UPDATE audit.opening_balances o SET dropped = o.dropped + n.versions, updated_at = now()
      FROM (SELECT topic, partition, incarnation, count(*) AS versions, min(source_offset) AS low, max(source_offset) AS high
            FROM of_batches WHERE from_offset IS NULL GROUP BY 1, 2, 3) n
      WHERE (o.topic, o.partition, o.incarnation) = (n.topic, n.partition, n.incarnation)
        AND n.low >= o.from_offset AND n.high < o.to_offset
      RETURNING n.versions
    )
    SELECT (SELECT count(*) FROM gone),
           coalesce((SELECT sum(versions) FROM in_ledger), 0) + coalesce((SELECT sum(versions) FROM folded), 0)
    $pruning$,
    key, (SELECT string_agg(format('h.%I DESC', part), ', ') FROM unnest(stream.version) part), stream.current, version,
    stream.facts, floors, raised,
    (SELECT string_agg(format('g.%1$I = c.%1$I', part), ' AND ') FROM unnest(stream.identity) part), of_stream)
    INTO pruned, accounted USING locked, stream.keep_versions;
  -- Books that are wrong are evidence: they are not tidied away.
  IF accounted <> pruned THEN
    RAISE EXCEPTION 'the history of % is not pruned: of % versions the batches and opening balances have %; see pulse reconcile',
      of_stream, pruned, accounted USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN pruned;
END
$$;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "audit"."prune_versions"(text) TO pulse_loader;
