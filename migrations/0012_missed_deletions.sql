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
