-- A message may be wrapped in an envelope, and an envelope may hold no row: such a record is skipped, and the books have
-- a term for it. The columns are added without a rewrite (a constant default), and so is who wrote a partition's records.
--
-- A check that gets a term has to look at the rows again, once for each table, whose ledger is a row for some thousand
-- records. NOT VALID with a later VALIDATE would hold no weaker lock: all of a migration is one transaction, and the new
-- column has locked the table already.
ALTER TABLE "audit"."partition_progress" ADD COLUMN "passed_offset" bigint, ADD COLUMN "writer" text;
--> statement-breakpoint
ALTER TABLE "audit"."pipeline_runs" ADD COLUMN "skipped" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."pipeline_batches" ADD COLUMN "skipped" bigint DEFAULT 0 NOT NULL,
  DROP CONSTRAINT "pipeline_batches_balance",
  ADD CONSTRAINT "pipeline_batches_balance" CHECK (consumed = loaded + duplicate + skipped + dead_lettered);
--> statement-breakpoint
ALTER TABLE "audit"."opening_balances" ADD COLUMN "skipped" bigint DEFAULT 0 NOT NULL,
  DROP CONSTRAINT "opening_balances_balance",
  ADD CONSTRAINT "opening_balances_balance" CHECK (consumed = loaded + duplicate + skipped + dead_lettered);
--> statement-breakpoint
ALTER TABLE "audit"."dead_letters" DROP CONSTRAINT "dead_letters_code",
  ADD CONSTRAINT "dead_letters_code" CHECK ("code" in ('malformed_json', 'schema_violation', 'timestamp_out_of_range', 'conflicting_duplicate', 'rejected_by_warehouse', 'undecodable', 'malformed_value', 'incomplete_row', 'unknown_schema', 'key_moved'));
--> statement-breakpoint

-- By hand: as it was in 0003, with the new term.
CREATE OR REPLACE FUNCTION "audit"."fold_batches"(of_topic text, of_partition integer, of_incarnation integer, older_than_days integer)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  at_once CONSTANT bigint := 1000;
  newest CONSTANT bigint := 1000;
  oldest_kept bigint; -- where the newest batches begin, which stay
  begins bigint; -- where the range that is folded now begins, and its end
  ends bigint;
  folded bigint;
BEGIN
  IF older_than_days IS NULL OR older_than_days < 1 THEN
    RAISE EXCEPTION 'batches must be older than a day; not % days', older_than_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  SELECT first_offset INTO begins FROM audit.partition_progress
  WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation;
  IF FOUND THEN
    SELECT from_offset INTO oldest_kept FROM audit.pipeline_batches
    WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation
    ORDER BY from_offset DESC OFFSET newest - 1 LIMIT 1;
    IF NOT FOUND THEN
      RETURN 0;
    END IF;
  END IF;
  SELECT count(*), max(to_offset) INTO folded, ends FROM (
    SELECT to_offset, bool_and(loaded_at < now() - make_interval(days => older_than_days)
                               AND (oldest_kept IS NULL OR from_offset < oldest_kept)) OVER (ORDER BY from_offset) AS old
    FROM (
      SELECT from_offset, to_offset, loaded_at FROM audit.pipeline_batches
      WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation
      ORDER BY from_offset LIMIT at_once
    ) oldest
  ) judged WHERE old;
  IF folded = 0 THEN
    RETURN 0;
  END IF;

  -- Batches and data losses must tile from where the last fold ended, else from the first offset; of an
  -- incarnation that is over that is not kept.
  SELECT coalesce((
    SELECT to_offset FROM audit.opening_balances
    WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation
  ), begins) INTO begins;
  WITH pieces AS (
    SELECT from_offset, to_offset FROM audit.pipeline_batches
    WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation AND from_offset < ends
    UNION ALL
    SELECT from_offset, to_offset FROM audit.data_losses
    WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation AND from_offset < ends
      AND (begins IS NULL OR from_offset >= begins)
  ), pairs AS (
    SELECT from_offset, lag(to_offset, 1, coalesce(begins, from_offset)) OVER (ORDER BY from_offset, to_offset) AS expected
    FROM pieces
  )
  SELECT CASE WHEN bool_and(from_offset = expected) THEN min(from_offset) END INTO begins FROM pairs;
  IF begins IS NULL THEN
    RAISE EXCEPTION 'the ledger of %/% is not folded: before offset % it has a gap or an overlap; see pulse reconcile',
      of_topic, of_partition, ends USING ERRCODE = 'integrity_constraint_violation';
  END IF;

  WITH gone AS (
    DELETE FROM audit.pipeline_batches
    WHERE topic = of_topic AND partition = of_partition AND incarnation = of_incarnation AND from_offset < ends
    RETURNING consumed, loaded, duplicate, skipped, dead_lettered, dropped
  )
  INSERT INTO audit.opening_balances AS o (topic, partition, incarnation, from_offset, to_offset, batches, consumed,
    loaded, duplicate, skipped, dead_lettered, dropped)
  SELECT of_topic, of_partition, of_incarnation, begins, ends, count(*), sum(consumed), sum(loaded), sum(duplicate),
         sum(skipped), sum(dead_lettered), sum(dropped)
  FROM gone
  ON CONFLICT (topic, partition, incarnation) DO UPDATE SET
    to_offset = excluded.to_offset,
    batches = o.batches + excluded.batches,
    consumed = o.consumed + excluded.consumed,
    loaded = o.loaded + excluded.loaded,
    duplicate = o.duplicate + excluded.duplicate,
    skipped = o.skipped + excluded.skipped,
    dead_lettered = o.dead_lettered + excluded.dead_lettered,
    dropped = o.dropped + excluded.dropped,
    updated_at = now();
  RETURN folded;
END
$$;
--> statement-breakpoint
-- Values may name a schema of a registry. Each that a record has named is kept here, so that a rebuild, a replay and the
-- proof need no registry. The loader adds and reads; nobody changes one, as a schema of an id never does.
CREATE TABLE "audit"."schemas" (
	"id" integer PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"text" text NOT NULL,
	"imports" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"learnt_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schemas_type" CHECK ("type" in ('AVRO', 'JSON', 'PROTOBUF'))
);
--> statement-breakpoint

-- By hand.
GRANT SELECT, INSERT ON "audit"."schemas" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."schemas" TO pulse_reader;
