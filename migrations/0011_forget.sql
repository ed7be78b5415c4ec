-- What is personal of a record can be forgotten: its values are overwritten, and what is on record of that keeps the log, which
-- still has them, from being told apart from damage, or from bringing them back.
CREATE TABLE "audit"."forgotten" (
	"stream" text NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"source_offset" bigint NOT NULL,
	"columns" text[] NOT NULL,
	"action_id" bigint NOT NULL,
	CONSTRAINT "forgotten_pkey" PRIMARY KEY("stream","source_partition","incarnation","source_offset")
);
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" DROP CONSTRAINT "operator_actions_action";
--> statement-breakpoint
ALTER TABLE "audit"."dead_letters" ADD COLUMN "forgotten_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "audit"."streams" ADD COLUMN "personal" jsonb DEFAULT '[]'::jsonb NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."forgotten" ADD CONSTRAINT "forgotten_action_id_operator_actions_id_fk" FOREIGN KEY ("action_id") REFERENCES "audit"."operator_actions"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "forgotten_action" ON "audit"."forgotten" USING btree ("action_id");
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" ADD CONSTRAINT "operator_actions_action" CHECK ("action" in ('pause', 'resume', 'run_now', 'continue_partition', 'new_incarnation', 'acknowledge_loss', 'redrive', 'dismiss', 'replay', 'forget', 'test_alert', 'stop_action', 'continue_action'));
--> statement-breakpoint

-- By hand.
GRANT SELECT ON "audit"."forgotten" TO pulse_loader, pulse_reader;
--> statement-breakpoint

-- Overwrites what is personal of these records of a stream: in its facts and their lines, or in all versions and the current
-- row, and all of these dead letters; of kept values of redrives too. What counts stays: no row goes, and no column
-- but those that audit.streams says are personal, which only the owner writes. Rollups are the caller's, in the same transaction.
--
-- keys: an object for each record, with the columns of the facts' primary key; of versions those of the key alone.
--
-- Why it is right beside loads and replays: each of them holds the progress row of its partition from its beginning on, and
-- here all of the stream's are locked first, in one order. So whoever compares a record with what is stored, or writes what
-- the log says, does so before all of this or after it, and sees what is on record as forgotten. Housekeeping locks rows in
-- another order, so its lock comes before them.
CREATE FUNCTION "audit"."forget"(of_stream text, keys jsonb, letters bigint[], redrives bigint[], for_action bigint,
  OUT facts bigint, OUT anew bigint, OUT current_rows bigint, OUT lines bigint, OUT dead_letters bigint, OUT payloads bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
  stream audit.streams;
  tables text[]; -- that have personal columns
  part text;
  sets text; -- col = what takes its place, …
  of_key text[];
  same_key text;
  overwritten text[];
  counted bigint;
BEGIN
  SELECT s.* INTO stream FROM audit.streams s WHERE s.name = of_stream;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no stream % is registered: run npm run migrate', of_stream USING ERRCODE = 'undefined_object';
  END IF;
  IF stream.personal = '[]' THEN
    RAISE EXCEPTION 'nothing of the stream % is personal', of_stream USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- An older snapshot would not see what was committed while we waited for the locks.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'records are forgotten in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  PERFORM FROM audit.partition_progress p WHERE p.stream = of_stream ORDER BY p.topic, p.partition FOR UPDATE;

  facts := 0; anew := 0; current_rows := 0; lines := 0;
  SELECT array_agg(DISTINCT p."table") INTO tables FROM jsonb_to_recordset(stream.personal) AS p("table" text);
  of_key := CASE WHEN stream.current IS NULL THEN stream.event_time || stream.identity ELSE stream.identity END;
  SELECT string_agg(format('t.%1$I = k.%1$I', name), ' AND ') INTO same_key FROM unnest(of_key) name;
  -- Of lines the column of their fact that has their number.
  SELECT array_agg(DISTINCT name) INTO overwritten FROM (
    SELECT p."column" AS name FROM jsonb_to_recordset(stream.personal) AS p("table" text, "column" text)
    WHERE p."table" = stream.facts
    UNION ALL
    SELECT l ->> 'count' FROM jsonb_array_elements(stream.lines) l WHERE l ->> 'table' = ANY (tables)
  ) names;

  EXECUTE format($marking$
    WITH changed AS (
      SELECT t.source_partition, t.incarnation, t.source_offset
      FROM warehouse.%1$I t JOIN jsonb_populate_recordset(NULL::warehouse.%1$I, $1) k ON %2$s
    ), marked AS (
      INSERT INTO audit.forgotten AS g (stream, source_partition, incarnation, source_offset, columns, action_id)
      SELECT DISTINCT $2, c.source_partition, c.incarnation, c.source_offset, $3, $4 FROM changed c
      ON CONFLICT (stream, source_partition, incarnation, source_offset)
        DO UPDATE SET columns = array(SELECT DISTINCT unnest(g.columns || excluded.columns))
      RETURNING g.action_id
    )
    SELECT count(*), count(*) FILTER (WHERE action_id = $4) FROM marked
    $marking$, stream.facts, same_key) INTO facts, anew USING keys, of_stream, overwritten, for_action;

  -- The facts or the history first, then lines or current rows: the order of a load.
  FOREACH part IN ARRAY array_remove(
    stream.facts || array(SELECT l ->> 'table' FROM jsonb_array_elements(stream.lines) l) || stream.current, NULL)
  LOOP
    CONTINUE WHEN part <> ALL (tables);
    -- A null stays null: nothing was said there.
    SELECT string_agg(format('%1$I = CASE WHEN t.%1$I IS NOT NULL THEN %2$L::%3$s END', p."column", p.marker,
                             format_type(a.atttypid, a.atttypmod)), ', '),
           count(*) - count(a.attname)
      INTO sets, counted
    FROM jsonb_to_recordset(stream.personal) AS p("table" text, "column" text, marker text)
    LEFT JOIN pg_attribute a ON a.attrelid = format('warehouse.%I', part)::regclass AND a.attname = p."column"
      AND a.attnum > 0 AND NOT a.attisdropped
    WHERE p."table" = part;
    IF counted > 0 THEN
      RAISE EXCEPTION 'warehouse.% lacks a column that is personal: run npm run migrate', part USING ERRCODE = 'undefined_column';
    END IF;
    EXECUTE format(
      'UPDATE warehouse.%1$I t SET %3$s FROM (SELECT DISTINCT %4$s FROM jsonb_populate_recordset(NULL::warehouse.%1$I, $1)) k WHERE %2$s',
      part, same_key, sets, (SELECT string_agg(format('%I', name), ', ') FROM unnest(of_key) name)) USING keys;
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF part = stream.current THEN
      current_rows := counted;
    ELSIF part <> stream.facts THEN
      lines := lines + counted;
    END IF;
  END LOOP;

  -- In the order of ids, as whoever locks several dead letters. An open one has nothing left that could be sent again.
  WITH locked AS (
    SELECT d.id FROM audit.dead_letters d
    WHERE d.id = ANY (letters) AND d.topic IN (SELECT p.topic FROM audit.partition_progress p WHERE p.stream = of_stream)
    ORDER BY d.id FOR UPDATE
  )
  UPDATE audit.dead_letters d
  SET key = NULL, value = NULL, headers = '[]', forgotten_at = coalesce(d.forgotten_at, now()), redriven_at = NULL,
      issues = coalesce((
        SELECT jsonb_agg(jsonb_build_object('field', i ->> 'field', 'message', 'forgotten') ORDER BY nth)
        FROM jsonb_array_elements(d.issues) WITH ORDINALITY AS all_issues(i, nth)), '[]'),
      resolved_at = coalesce(d.resolved_at, clock_timestamp()),
      resolution = coalesce(d.resolution, format('forgotten by action %s', for_action))
  FROM locked WHERE d.id = locked.id;
  GET DIAGNOSTICS dead_letters = ROW_COUNT;
  UPDATE audit.operator_actions a SET payload = NULL
  WHERE a.id = ANY (redrives) AND a.stream = of_stream AND a.payload IS NOT NULL;
  GET DIAGNOSTICS payloads = ROW_COUNT;
END
$$;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "audit"."forget"(text, jsonb, bigint[], bigint[], bigint) TO pulse_loader;
