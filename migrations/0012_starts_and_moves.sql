CREATE TABLE "audit"."partition_starts" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"declared" text NOT NULL,
	"log_start" bigint NOT NULL,
	"first_offset" bigint NOT NULL,
	"worker" text NOT NULL,
	"contract_hash" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "partition_starts_pkey" PRIMARY KEY("topic","partition"),
	CONSTRAINT "partition_starts_range" CHECK (log_start <= first_offset)
);
--> statement-breakpoint
GRANT SELECT, INSERT ON "audit"."partition_starts" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."partition_starts" TO pulse_reader;
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" DROP CONSTRAINT "operator_actions_action";
--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" ADD CONSTRAINT "operator_actions_action" CHECK ("action" in ('pause', 'resume', 'run_now', 'continue_partition', 'new_incarnation', 'acknowledge_loss', 'move', 'sweep', 'redrive', 'dismiss', 'replay', 'forget', 'test_alert', 'stop_action', 'continue_action'));
--> statement-breakpoint
CREATE TABLE "audit"."missed_deletions" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"read_until" timestamp with time zone NOT NULL,
	"noticed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"swept_at" timestamp with time zone,
	CONSTRAINT "missed_deletions_pkey" PRIMARY KEY("topic","partition","incarnation","read_until")
);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE (swept_at) ON "audit"."missed_deletions" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."missed_deletions" TO pulse_reader;
