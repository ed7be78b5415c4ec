-- By hand. Record types are declarations from here on (streams/), and their tables are theirs: this file hands
-- those of the one there was over, as they are, and drops none of them. What the engine does to a stream's tables
-- with their owner's rights is done by functions that look the stream up here.
CREATE TABLE "audit"."streams" (
	"name" text PRIMARY KEY NOT NULL,
	"facts" text NOT NULL,
	"event_time" text NOT NULL,
	"identity" text[] NOT NULL,
	"keys" text,
	"rollups" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"contract_hash" text,
	"registered_at" timestamp with time zone DEFAULT now() NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
GRANT SELECT ON "audit"."streams" TO pulse_loader, pulse_reader;
--> statement-breakpoint
INSERT INTO "audit"."streams" (name, facts, event_time, identity, keys, rollups)
VALUES ('transactions', 'transactions', 'transaction_timestamp', '{order_id}', 'order_keys',
        '[{"table": "sales_by_minute", "time": "minute", "count": "transactions"}]');
--> statement-breakpoint

-- Where a record came from is a number of its stream: Kafka's own partition for the stream's first topic, numbers
-- of another ten thousand for each further topic. Which is first of several is where most was loaded from.
ALTER TABLE "audit"."partition_progress" ADD COLUMN "stream" text;
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "source_partition" integer;
--> statement-breakpoint
UPDATE audit.partition_progress p SET stream = 'transactions', source_partition = t.nth * 10000 + p.partition
FROM (
  SELECT topic, row_number() OVER (ORDER BY sum(next_offset - first_offset) DESC, topic) - 1 AS nth
  FROM audit.partition_progress GROUP BY topic
) t
WHERE t.topic = p.topic;
--> statement-breakpoint
-- Two topics in one warehouse had facts and rollup of the same numbers.
DO $$
BEGIN
  IF EXISTS (SELECT FROM audit.partition_progress WHERE source_partition >= 10000) THEN
    UPDATE warehouse.transactions t SET source_partition = p.source_partition
    FROM audit.partition_progress p
    WHERE p.source_partition >= 10000 AND t.source_partition = p.partition
      AND starts_with(t.batch_id, concat(p.topic, ':', p.partition, ':'));
    DELETE FROM warehouse.sales_by_minute;
    INSERT INTO warehouse.sales_by_minute
      (minute, source_partition, currency, product_category, transactions, flagged, amount, tax_amount, flagged_amount)
    SELECT date_bin('1 minute', transaction_timestamp, 'epoch'), source_partition, currency, product_category, count(*),
           count(*) FILTER (WHERE is_fraud_flagged), sum(amount), sum(tax_amount),
           coalesce(sum(amount) FILTER (WHERE is_fraud_flagged), 0)
    FROM warehouse.transactions GROUP BY 1, 2, 3, 4;
  END IF;
END
$$;
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ALTER COLUMN "stream" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ALTER COLUMN "source_partition" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD CONSTRAINT "partition_progress_source" UNIQUE("stream","source_partition");
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD CONSTRAINT "partition_progress_stream_streams_name_fk" FOREIGN KEY ("stream") REFERENCES "audit"."streams"("name") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint

-- Which contracts a worker holds records against, by stream.
ALTER TABLE "audit"."workers" ADD COLUMN "contracts" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint

-- Migrations of the streams have a journal of their own.
ALTER TABLE "audit"."schema_migrations" ADD COLUMN journal text NOT NULL DEFAULT 'engine';
--> statement-breakpoint
ALTER TABLE "audit"."schema_migrations" DROP CONSTRAINT schema_migrations_tag_key;
--> statement-breakpoint
ALTER TABLE "audit"."schema_migrations" ADD CONSTRAINT schema_migrations_journal_tag_key UNIQUE (journal, tag);
--> statement-breakpoint

DROP FUNCTION "warehouse"."ensure_month"(timestamptz);
--> statement-breakpoint
DROP FUNCTION "warehouse"."drop_month"(date);
--> statement-breakpoint
DROP FUNCTION "warehouse"."drop_order_keys"(integer, bigint);
--> statement-breakpoint

-- Makes the month partition of a stream's facts for a moment, if it is missing, and says whether it did. The loader
-- has no DDL rights of its own; this is the only way it gets a table. CREATE TABLE ... PARTITION OF would lock
-- the parent against everyone, so the partition is made apart and attached, which locks out neither
-- readers nor writers. The advisory lock lets one worker at a time do it: the second sees the first's. A
-- lock that is not to be had in 3 s is given up, and tried again with the load.
-- Bounds carry their zone, or they would follow the session's.
CREATE FUNCTION "audit"."ensure_partition"(of_stream text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
  parent text;
  name text;
BEGIN
  SELECT s.facts INTO parent FROM audit.streams s WHERE s.name = of_stream;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % is registered: run npm run migrate', of_stream USING ERRCODE = 'undefined_object';
  END IF;
  IF moment < now() - interval '101 years' OR moment > now() + interval '62 days' THEN
    RAISE EXCEPTION 'no partition is made for %', moment USING ERRCODE = 'datetime_field_overflow';
  END IF;
  name := parent || '_' || to_char(month, 'YYYY_MM');
  IF to_regclass(format('warehouse.%I', name)) IS NOT NULL THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: ensure_partition'));
  -- Not to_regclass again: it answers from a cache that the wait for an advisory lock doesn't refresh.
  IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'warehouse'::regnamespace AND relname = name) THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE warehouse.%I (LIKE warehouse.%I INCLUDING ALL EXCLUDING IDENTITY)', name, parent);
  EXECUTE format('ALTER TABLE warehouse.%I ATTACH PARTITION warehouse.%I FOR VALUES FROM (%L) TO (%L)',
    parent, name, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
    to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
  RETURN true;
END
$$;
--> statement-breakpoint

-- Drops the month of a stream that begins on this day: its facts, its part of the rollups and its partition, and
-- writes into the ledger how many facts of each batch are gone, all in one transaction: at any moment a batch's
-- facts that are there and those that were dropped are those that were loaded. Says how many facts went.
--
-- Loads go on meanwhile. The month itself is locked first, against writers only (SHARE), so that what is
-- counted is what is dropped. The lock on the parent table that DROP needs, against everybody, comes last
-- and is given up after 0.2 s: what is not dropped now is dropped another time. A load that waits for this
-- month holds the parent's lock, so that each waits for the other until then; the load goes on.
CREATE FUNCTION "audit"."drop_partition"(of_stream text, month date) RETURNS bigint
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
  RETURN facts;
END
$$;
--> statement-breakpoint

-- Deletes the keys of a stream that are older than this and have no fact any more, in one stretch of the
-- table from a page on. Says how many went, and the page to go on at; null at the table's end. Keys have
-- no index by age, which each load would pay for: one walk a day over the table costs less.
-- A key and its fact are committed together, so that no key is seen without a fact that is yet to come.
CREATE FUNCTION "audit"."drop_keys"(of_stream text, older_than_days integer, from_page bigint, OUT deleted bigint, OUT next_page bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  pages CONSTANT bigint := 64;
  stream audit.streams;
  all_pages bigint;
  same_key text;
BEGIN
  SELECT s.* INTO stream FROM audit.streams s WHERE s.name = of_stream AND s.keys IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % with a table of keys is registered: run npm run migrate', of_stream
      USING ERRCODE = 'undefined_object';
  END IF;
  IF older_than_days IS NULL OR older_than_days < 32 OR from_page IS NULL OR from_page < 0 THEN
    RAISE EXCEPTION 'keys must be older than 32 days, from a page of the table on; not % days, page %',
      older_than_days, from_page USING ERRCODE = 'invalid_parameter_value';
  END IF;
  all_pages := pg_relation_size(format('warehouse.%I', stream.keys)) / current_setting('block_size')::bigint;
  SELECT string_agg(format('t.%I = k.%I', part, part), ' AND ') INTO same_key
  FROM unnest(stream.identity || stream.event_time) part;
  EXECUTE format($deleting$
    DELETE FROM warehouse.%I k
    WHERE k.ctid >= $1 AND k.ctid < $2 AND k.%I < now() - make_interval(days => $3)
      AND NOT EXISTS (SELECT FROM warehouse.%I t WHERE %s)
    $deleting$, stream.keys, stream.event_time, stream.facts, same_key)
    USING format('(%s,0)', from_page)::tid, format('(%s,0)', from_page + pages)::tid, older_than_days;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  next_page := CASE WHEN from_page + pages < all_pages THEN from_page + pages END;
END
$$;
--> statement-breakpoint

GRANT EXECUTE ON FUNCTION "audit"."ensure_partition"(text, timestamptz), "audit"."drop_partition"(text, date),
  "audit"."drop_keys"(text, integer, bigint) TO pulse_loader;
