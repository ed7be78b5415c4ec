CREATE TABLE "audit"."alert_notifications" (
	"alert_id" bigint NOT NULL,
	"event" text NOT NULL,
	"channel" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	"gave_up_at" timestamp with time zone,
	"last_error" text,
	CONSTRAINT "alert_notifications_pkey" PRIMARY KEY("alert_id","event","channel"),
	CONSTRAINT "alert_notifications_event" CHECK ("event" in ('started', 'ended'))
);
--> statement-breakpoint
CREATE TABLE "audit"."alerts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."alerts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"rule" text NOT NULL,
	"scope" text DEFAULT '' NOT NULL,
	"severity" text NOT NULL,
	"summary" text NOT NULL,
	"first_action" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "audit"."console_sessions" (
	"token_hash" "bytea" PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"csrf_token" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "console_sessions_role" CHECK ("role" in ('operator', 'viewer'))
);
--> statement-breakpoint
CREATE TABLE "audit"."control" (
	"only_row" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"paused_at" timestamp with time zone,
	"paused_by" text,
	"pause_reason" text,
	"run_requests" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "control_only_row" CHECK (only_row)
);
--> statement-breakpoint
CREATE TABLE "audit"."opening_balances" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"from_offset" bigint NOT NULL,
	"to_offset" bigint NOT NULL,
	"batches" bigint DEFAULT 0 NOT NULL,
	"consumed" bigint DEFAULT 0 NOT NULL,
	"loaded" bigint DEFAULT 0 NOT NULL,
	"duplicate" bigint DEFAULT 0 NOT NULL,
	"dead_lettered" bigint DEFAULT 0 NOT NULL,
	"dropped" bigint DEFAULT 0 NOT NULL,
	"dead_letters_pruned" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "opening_balances_pkey" PRIMARY KEY("topic","partition","incarnation"),
	CONSTRAINT "opening_balances_balance" CHECK (consumed = loaded + duplicate + dead_lettered),
	CONSTRAINT "opening_balances_range" CHECK (from_offset < to_offset)
);
--> statement-breakpoint
CREATE TABLE "audit"."operator_actions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."operator_actions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"action" text NOT NULL,
	"target" jsonb NOT NULL,
	"reason" text,
	"requested_by" text NOT NULL,
	"via" text NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"status" text NOT NULL,
	"total" bigint,
	"done" bigint DEFAULT 0 NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"payload" "bytea",
	"result" jsonb,
	"error" text,
	"run_id" bigint,
	"worker" text,
	"heartbeat_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "operator_actions_action" CHECK ("action" in ('pause', 'resume', 'run_now', 'continue_partition', 'new_incarnation', 'acknowledge_loss', 'redrive', 'dismiss', 'replay', 'test_alert')),
	CONSTRAINT "operator_actions_status" CHECK ("status" in ('pending', 'running', 'stopping', 'stopped', 'succeeded', 'failed')),
	CONSTRAINT "operator_actions_via" CHECK ("via" in ('console', 'api', 'pulse'))
);
--> statement-breakpoint
CREATE TABLE "audit"."replay_ranges" (
	"action_id" bigint NOT NULL,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"from_offset" bigint NOT NULL,
	"to_offset" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"records" bigint DEFAULT 0 NOT NULL,
	"changed" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "replay_ranges_pkey" PRIMARY KEY("action_id","partition"),
	CONSTRAINT "replay_ranges_range" CHECK (next_offset between from_offset and to_offset)
);
--> statement-breakpoint
CREATE TABLE "audit"."workers" (
	"name" text PRIMARY KEY NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"schedule" text NOT NULL,
	"next_tick_at" timestamp with time zone,
	"partitions" integer[] NOT NULL,
	"problem" text
);
--> statement-breakpoint
ALTER TABLE "audit"."pipeline_runs" DROP CONSTRAINT "pipeline_runs_kind";--> statement-breakpoint
ALTER TABLE "audit"."dead_letters" ADD COLUMN "failure" text GENERATED ALWAYS AS (code || coalesce(' ' || nullif(issues -> 0 ->> 'field', ''), '')) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "audit"."dead_letters" ADD COLUMN "redriven_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "audit"."pipeline_batches" ADD COLUMN "dropped" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "audit"."alert_notifications" ADD CONSTRAINT "alert_notifications_alert_id_alerts_id_fk" FOREIGN KEY ("alert_id") REFERENCES "audit"."alerts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" ADD CONSTRAINT "operator_actions_run_id_pipeline_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "audit"."pipeline_runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."replay_ranges" ADD CONSTRAINT "replay_ranges_action_id_operator_actions_id_fk" FOREIGN KEY ("action_id") REFERENCES "audit"."operator_actions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_notifications_waiting" ON "audit"."alert_notifications" USING btree ("next_attempt_at") WHERE sent_at is null and gave_up_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "alerts_open" ON "audit"."alerts" USING btree ("rule","scope") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "alerts_started" ON "audit"."alerts" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "console_sessions_seen" ON "audit"."console_sessions" USING btree ("seen_at");--> statement-breakpoint
CREATE INDEX "operator_actions_requested" ON "audit"."operator_actions" USING btree ("requested_at");--> statement-breakpoint
CREATE INDEX "operator_actions_unfinished" ON "audit"."operator_actions" USING btree ("id") WHERE status in ('pending', 'running', 'stopping');--> statement-breakpoint
CREATE INDEX "dead_letters_open" ON "audit"."dead_letters" USING btree ("failure","created_at","id") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "dead_letters_redrives" ON "audit"."dead_letters" USING btree ("redrive_of") WHERE redrive_of is not null;--> statement-breakpoint
CREATE INDEX "dead_letters_batch" ON "audit"."dead_letters" USING btree ("batch_id");--> statement-breakpoint
ALTER TABLE "audit"."pipeline_runs" ADD CONSTRAINT "pipeline_runs_kind" CHECK ("kind" in ('tick', 'manual', 'replay', 'housekeeping'));
--> statement-breakpoint

-- By hand from here on: what drizzle-kit can't write.

INSERT INTO "audit"."control" DEFAULT VALUES;
--> statement-breakpoint
ALTER TABLE "audit"."workers" SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" SET (fillfactor = 70);
--> statement-breakpoint

-- What was done stands: of an action only its progress changes.
GRANT SELECT, UPDATE ON "audit"."control" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE (status, total, done, position, payload, result, error, run_id, worker, heartbeat_at, finished_at)
  ON "audit"."operator_actions" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE (next_offset, records, changed) ON "audit"."replay_ranges" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "audit"."workers", "audit"."console_sessions" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE (ended_at) ON "audit"."alerts" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "audit"."alert_notifications" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."opening_balances" TO pulse_loader;
--> statement-breakpoint
GRANT UPDATE (redriven_at) ON "audit"."dead_letters" TO pulse_loader;
--> statement-breakpoint
-- A replay computes these anew, and nothing else of a fact.
GRANT UPDATE (tax_amount, total_amount, is_fraud_flagged, fraud_score, fraud_reasons)
  ON "warehouse"."transactions" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."control", "audit"."workers", "audit"."alerts", "audit"."opening_balances",
  "audit"."replay_ranges" TO pulse_reader;
--> statement-breakpoint
GRANT SELECT (id, action, target, reason, requested_by, via, requested_at, status, total, done, result, error, run_id,
  worker, heartbeat_at, finished_at) ON "audit"."operator_actions" TO pulse_reader;
--> statement-breakpoint
CREATE OR REPLACE VIEW "audit"."dead_letter_list" AS
  SELECT id, topic, partition, "offset", incarnation, kafka_timestamp, code, issues, batch_id, attempts,
         redrive_of, created_at, published_at, resolved_at, resolution,
         octet_length(value) AS value_bytes, failure, redriven_at
  FROM audit.dead_letters;
