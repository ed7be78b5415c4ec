-- By hand. One warehouse and one worker load several streams: what was done and what is wrong is a stream's.
-- What there is belongs to the stream that was loaded; where none was yet there is nothing to say of it. Defaults
-- are constants for the moment of the change, so that no row is rewritten.
DO $$
DECLARE
  loaded text := coalesce(
    (SELECT stream FROM audit.partition_progress GROUP BY stream ORDER BY count(*) DESC LIMIT 1), 'transactions');
BEGIN
  EXECUTE format('ALTER TABLE audit.pipeline_runs ADD COLUMN stream text NOT NULL DEFAULT %L', loaded);
  EXECUTE format('ALTER TABLE audit.alerts ADD COLUMN stream text NOT NULL DEFAULT %L', loaded);
  EXECUTE format('ALTER TABLE audit.operator_actions ADD COLUMN stream text DEFAULT %L', loaded);
END
$$;
--> statement-breakpoint
ALTER TABLE "audit"."pipeline_runs" ALTER COLUMN "stream" DROP DEFAULT;
--> statement-breakpoint
ALTER TABLE "audit"."alerts" ALTER COLUMN "stream" DROP DEFAULT;
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" ALTER COLUMN "stream" DROP DEFAULT;
--> statement-breakpoint
UPDATE audit.operator_actions SET stream = NULL WHERE action IN ('pause', 'resume', 'run_now', 'test_alert');
--> statement-breakpoint
CREATE INDEX "pipeline_runs_of_stream" ON "audit"."pipeline_runs" USING btree ("stream","started_at");
--> statement-breakpoint
DROP INDEX "audit"."alerts_open";
--> statement-breakpoint
CREATE UNIQUE INDEX "alerts_open" ON "audit"."alerts" USING btree ("rule","stream","scope") WHERE ended_at is null;
--> statement-breakpoint

-- Open dead letters are looked at stream by stream, and a stream's are those of its topics.
DROP INDEX "audit"."dead_letters_open";
--> statement-breakpoint
CREATE INDEX "dead_letters_open" ON "audit"."dead_letters" USING btree ("topic","failure","created_at","id") WHERE resolved_at is null;
--> statement-breakpoint
DROP INDEX "audit"."dead_letters_waiting";
--> statement-breakpoint
CREATE INDEX "dead_letters_waiting" ON "audit"."dead_letters" USING btree ("topic","failure") WHERE resolved_at is null and redriven_at is not null;
--> statement-breakpoint

-- The switch that there was is the one for all; each stream has its own beside it.
ALTER TABLE "audit"."control" ADD COLUMN "stream" text NOT NULL DEFAULT '';
--> statement-breakpoint
ALTER TABLE "audit"."control" ALTER COLUMN "stream" DROP DEFAULT;
--> statement-breakpoint
ALTER TABLE "audit"."control" DROP COLUMN "only_row";
--> statement-breakpoint
ALTER TABLE "audit"."control" ADD PRIMARY KEY ("stream");
--> statement-breakpoint
INSERT INTO "audit"."control" (stream) SELECT name FROM audit.streams;
--> statement-breakpoint

-- Workers keep a row for each stream that they run. Those of now end at this migration anyway.
DELETE FROM "audit"."workers";
--> statement-breakpoint
ALTER TABLE "audit"."workers" DROP CONSTRAINT "workers_pkey";
--> statement-breakpoint
ALTER TABLE "audit"."workers" ADD COLUMN "stream" text NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."workers" DROP COLUMN "contracts";
--> statement-breakpoint
ALTER TABLE "audit"."workers" ADD COLUMN "contract_hash" text NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."workers" ADD COLUMN "longest_step_ms" double precision DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "audit"."workers" ADD CONSTRAINT "workers_pkey" PRIMARY KEY ("name","stream");
