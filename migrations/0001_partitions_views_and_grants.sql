-- What drizzle-kit can't write. Everything here belongs to pulse_owner; the roles are made by
-- `npm run migrate` before this file runs.

-- Hot rows: room on the page lets an update stay on it, without touching an index.
ALTER TABLE "warehouse"."sales_by_minute" SET (fillfactor = 70);
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" SET (fillfactor = 50);
--> statement-breakpoint

-- Makes the month partition of a timestamp, if it is missing, and says whether it did. The loader has no
-- DDL rights of its own; this is the only way it gets a table. CREATE TABLE ... PARTITION OF would lock
-- the parent against everyone, so the partition is made apart and attached, which locks out neither
-- readers nor writers. The advisory lock lets one worker at a time do it: the second sees the first's. A
-- lock that is not to be had in 3 s is given up, and tried again with the load.
-- Bounds carry their zone, or they would follow the session's.
CREATE FUNCTION "warehouse"."ensure_month"(moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
  name text := 'transactions_' || to_char(month, 'YYYY_MM');
BEGIN
  IF moment < now() - interval '101 years' OR moment > now() + interval '62 days' THEN
    RAISE EXCEPTION 'no partition is made for %', moment USING ERRCODE = 'datetime_field_overflow';
  END IF;
  IF to_regclass('warehouse.' || name) IS NOT NULL THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: ensure_month'));
  -- Not to_regclass again: it answers from a cache that the wait for an advisory lock doesn't refresh.
  IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'warehouse'::regnamespace AND relname = name) THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE warehouse.%I (LIKE warehouse.transactions INCLUDING ALL EXCLUDING IDENTITY)', name);
  EXECUTE format('ALTER TABLE warehouse.transactions ATTACH PARTITION warehouse.%I FOR VALUES FROM (%L) TO (%L)',
    name, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
    to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
  RETURN true;
END
$$;
--> statement-breakpoint

-- Dead letters for eyes that may not see payloads.
CREATE VIEW "audit"."dead_letter_list" AS
  SELECT id, topic, partition, "offset", incarnation, kafka_timestamp, code, issues, batch_id, attempts,
         redrive_of, created_at, published_at, resolved_at, resolution,
         octet_length(value) AS value_bytes
  FROM audit.dead_letters;
--> statement-breakpoint

REVOKE ALL ON FUNCTION "warehouse"."ensure_month"(timestamptz) FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA "warehouse", "audit" TO pulse_loader, pulse_reader;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "warehouse"."ensure_month"(timestamptz) TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT ON "warehouse"."transactions", "warehouse"."order_keys", "audit"."pipeline_batches",
  "audit"."dead_letters", "audit"."data_losses" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "warehouse"."sales_by_minute", "audit"."partition_progress",
  "audit"."pipeline_runs" TO pulse_loader;
--> statement-breakpoint
GRANT UPDATE (attempts, published_at, resolved_at, resolution) ON "audit"."dead_letters" TO pulse_loader;
--> statement-breakpoint
GRANT UPDATE (acknowledged_at, acknowledged_by, reason) ON "audit"."data_losses" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."schema_migrations" TO pulse_loader, pulse_reader;
--> statement-breakpoint
GRANT SELECT ON "warehouse"."transactions", "warehouse"."sales_by_minute", "audit"."pipeline_runs",
  "audit"."pipeline_batches", "audit"."partition_progress", "audit"."data_losses", "audit"."dead_letter_list"
  TO pulse_reader;
