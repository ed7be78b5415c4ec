CREATE INDEX "operator_actions_run" ON "audit"."operator_actions" USING btree ("run_id") WHERE run_id is not null;
--> statement-breakpoint
CREATE INDEX "dead_letters_waiting" ON "audit"."dead_letters" USING btree ("failure") WHERE resolved_at is null and redriven_at is not null;
--> statement-breakpoint

-- By hand from here on: what the loader may do to old rows, and nothing else. It has no right to delete
-- facts, keys or books; these functions, of the tables' owner, do, and only to what is old.
--
-- Their steps wait for each other (an advisory lock until the transaction ends, taken before anything is
-- looked at), so that two housekeepers at once do what one would. Loads don't take that lock.

-- Drops the month that begins on this day: its facts, its part of the rollup and its partition, and writes
-- into the ledger how many facts of each batch are gone, all in one transaction: at any moment a batch's
-- facts that are there and those that were dropped are those that were loaded. Says how many facts went.
--
-- Loads go on meanwhile. The month itself is locked first, against writers only (SHARE), so that what is
-- counted is what is dropped. The lock on the parent table that DROP needs, against everybody, comes last
-- and is given up after 0.2 s: what is not dropped now is dropped another time. A load that waits for this
-- month holds the parent's lock, so that each waits for the other until then; the load goes on.
CREATE FUNCTION "warehouse"."drop_month"(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  name text := 'transactions_' || to_char(month, 'YYYY_MM');
  begins timestamptz := month::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
  facts bigint;
  accounted bigint;
  summed bigint;
BEGIN
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
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  -- Not to_regclass: it answers from a cache that the wait for an advisory lock doesn't refresh.
  IF NOT EXISTS (
    SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'warehouse.transactions'::regclass
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
    ), in_ledger AS (
      UPDATE audit.pipeline_batches b SET dropped = b.dropped + c.facts
      FROM counted c
      WHERE b.batch_id = c.batch_id AND (b.partition, b.incarnation) = (c.source_partition, c.incarnation)
      RETURNING c.facts
    ), folded AS (
      UPDATE audit.opening_balances o SET dropped = o.dropped + f.facts, updated_at = now()
      FROM (
        SELECT split_part(c.batch_id, ':', 1) AS topic, c.source_partition, c.incarnation,
               sum(c.facts) AS facts, min(c.low) AS low, max(c.high) AS high
        FROM counted c
        WHERE NOT EXISTS (SELECT FROM audit.pipeline_batches b WHERE b.batch_id = c.batch_id)
        GROUP BY 1, 2, 3
      ) f
      WHERE (o.topic, o.partition, o.incarnation) = (f.topic, f.source_partition, f.incarnation)
        AND f.low >= o.from_offset AND f.high < o.to_offset
      RETURNING f.facts
    )
    SELECT coalesce((SELECT sum(facts) FROM counted), 0),
           coalesce((SELECT sum(facts) FROM in_ledger), 0) + coalesce((SELECT sum(facts) FROM folded), 0)
    $counting$, name) INTO facts, accounted;
  WITH gone AS (
    DELETE FROM warehouse.sales_by_minute WHERE minute >= begins AND minute < ends RETURNING transactions
  )
  SELECT coalesce(sum(transactions), 0) INTO summed FROM gone;
  -- Books that are wrong are evidence: they are not tidied away.
  IF accounted <> facts OR summed <> facts THEN
    RAISE EXCEPTION 'the month of % is not dropped: it has % facts, but batches and opening balances have % of them, the rollup %; see pulse reconcile',
      month, facts, accounted, summed USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SET LOCAL lock_timeout = '200ms';
  EXECUTE format('DROP TABLE warehouse.%I', name);
  RETURN facts;
END
$$;
--> statement-breakpoint

-- Deletes the keys of orders that are older than this and have no fact any more, in one stretch of the
-- table from a page on. Says how many went, and the page to go on at; null at the table's end. Keys have
-- no index by age, which each load would pay for: one walk a day over the table costs less.
-- A key and its fact are committed together, so that no key is seen without a fact that is yet to come.
CREATE FUNCTION "warehouse"."drop_order_keys"(older_than_days integer, from_page bigint, OUT deleted bigint, OUT next_page bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  pages CONSTANT bigint := 64;
  all_pages bigint := pg_relation_size('warehouse.order_keys') / current_setting('block_size')::bigint;
BEGIN
  IF older_than_days IS NULL OR older_than_days < 32 OR from_page IS NULL OR from_page < 0 THEN
    RAISE EXCEPTION 'order keys must be older than 32 days, from a page of the table on; not % days, page %',
      older_than_days, from_page USING ERRCODE = 'invalid_parameter_value';
  END IF;
  DELETE FROM warehouse.order_keys k
  WHERE k.ctid >= format('(%s,0)', from_page)::tid AND k.ctid < format('(%s,0)', from_page + pages)::tid
    AND k.transaction_timestamp < now() - make_interval(days => older_than_days)
    AND NOT EXISTS (
      SELECT FROM warehouse.transactions t
      WHERE t.transaction_timestamp = k.transaction_timestamp AND t.order_id = k.order_id
    );
  GET DIAGNOSTICS deleted = ROW_COUNT;
  next_page := CASE WHEN from_page + pages < all_pages THEN from_page + pages END;
END
$$;
--> statement-breakpoint

-- Folds the oldest batches of one incarnation of a partition into its opening balance, as far as they are
-- old without a gap, a thousand at a time. Says how many. The newest thousand of the current incarnation
-- stay, however old: the stop on mass rejection looks back at them. A ledger with a gap is not folded,
-- which would hide it.
-- Loads only add batches behind all that are folded, so neither waits for the other.
CREATE FUNCTION "audit"."fold_batches"(of_topic text, of_partition integer, of_incarnation integer, older_than_days integer)
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
    RETURNING consumed, loaded, duplicate, dead_lettered, dropped
  )
  INSERT INTO audit.opening_balances AS o (topic, partition, incarnation, from_offset, to_offset, batches, consumed,
    loaded, duplicate, dead_lettered, dropped)
  SELECT of_topic, of_partition, of_incarnation, begins, ends, count(*), sum(consumed), sum(loaded), sum(duplicate),
         sum(dead_lettered), sum(dropped)
  FROM gone
  ON CONFLICT (topic, partition, incarnation) DO UPDATE SET
    to_offset = excluded.to_offset,
    batches = o.batches + excluded.batches,
    consumed = o.consumed + excluded.consumed,
    loaded = o.loaded + excluded.loaded,
    duplicate = o.duplicate + excluded.duplicate,
    dead_lettered = o.dead_lettered + excluded.dead_lettered,
    dropped = o.dropped + excluded.dropped,
    updated_at = now();
  RETURN folded;
END
$$;
--> statement-breakpoint

-- Deletes dead letters that were resolved long ago, whose batches are in an opening balance, a thousand at
-- a time, and counts them there. Not those that wait to be published, nor one that another refers to.
CREATE FUNCTION "audit"."prune_dead_letters"(older_than_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF older_than_days IS NULL OR older_than_days < 1 THEN
    RAISE EXCEPTION 'dead letters must be resolved for a day; not % days', older_than_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  WITH gone AS (
    DELETE FROM audit.dead_letters WHERE id IN (
      SELECT l.id
      FROM audit.dead_letters l JOIN audit.opening_balances o USING (topic, partition, incarnation)
      WHERE l."offset" >= o.from_offset AND l."offset" < o.to_offset
        AND l.resolved_at < now() - make_interval(days => older_than_days) AND l.published_at IS NOT NULL
        AND NOT EXISTS (
          SELECT FROM audit.dead_letters r
          WHERE r.redrive_of = concat_ws(':', l.topic, l.partition, l."offset", l.incarnation)
             OR l.incarnation = 1 AND r.redrive_of = concat_ws(':', l.topic, l.partition, l."offset")
        )
      LIMIT 1000
    )
    RETURNING topic, partition, incarnation
  ), counted AS (
    SELECT topic, partition, incarnation, count(*) AS letters FROM gone GROUP BY topic, partition, incarnation
  ), noted AS (
    UPDATE audit.opening_balances o
    SET dead_letters_pruned = o.dead_letters_pruned + c.letters, updated_at = now()
    FROM counted c
    WHERE (o.topic, o.partition, o.incarnation) = (c.topic, c.partition, c.incarnation)
  )
  SELECT coalesce(sum(letters), 0) INTO pruned FROM counted;
  RETURN pruned;
END
$$;
--> statement-breakpoint

-- Deletes old runs that no batch and no operator's action refers to any more, a thousand at a time.
CREATE FUNCTION "audit"."prune_runs"(older_than_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF older_than_days IS NULL OR older_than_days < 1 THEN
    RAISE EXCEPTION 'runs must be older than a day; not % days', older_than_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  DELETE FROM audit.pipeline_runs WHERE id IN (
    SELECT r.id FROM audit.pipeline_runs r
    WHERE r.status <> 'running' AND r.started_at < now() - make_interval(days => older_than_days)
      AND NOT EXISTS (SELECT FROM audit.pipeline_batches b WHERE b.run_id = r.id)
      AND NOT EXISTS (SELECT FROM audit.operator_actions a WHERE a.run_id = r.id)
    ORDER BY r.started_at LIMIT 1000
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint

-- Deletes alerts that ended long ago, with what was sent of them, a thousand at a time.
CREATE FUNCTION "audit"."prune_alerts"(older_than_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
DECLARE
  ended bigint[];
BEGIN
  IF older_than_days IS NULL OR older_than_days < 1 THEN
    RAISE EXCEPTION 'alerts must have ended a day ago; not % days', older_than_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('pulse: housekeeping'));
  ended := ARRAY(
    SELECT id FROM audit.alerts WHERE ended_at < now() - make_interval(days => older_than_days)
    ORDER BY started_at LIMIT 1000
  );
  DELETE FROM audit.alert_notifications WHERE alert_id = ANY (ended);
  DELETE FROM audit.alerts WHERE id = ANY (ended);
  RETURN cardinality(ended);
END
$$;
--> statement-breakpoint

REVOKE ALL ON FUNCTION "warehouse"."drop_month"(date), "warehouse"."drop_order_keys"(integer, bigint),
  "audit"."fold_batches"(text, integer, integer, integer), "audit"."prune_dead_letters"(integer),
  "audit"."prune_runs"(integer), "audit"."prune_alerts"(integer) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "warehouse"."drop_month"(date), "warehouse"."drop_order_keys"(integer, bigint),
  "audit"."fold_batches"(text, integer, integer, integer), "audit"."prune_dead_letters"(integer),
  "audit"."prune_runs"(integer), "audit"."prune_alerts"(integer) TO pulse_loader;
