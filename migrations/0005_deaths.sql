ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_by" bigint;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_offset" bigint;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "deaths" integer DEFAULT 0 NOT NULL;