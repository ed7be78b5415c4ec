ALTER TABLE "audit"."operator_actions" DROP CONSTRAINT "operator_actions_action";--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" DROP CONSTRAINT "operator_actions_run_id_pipeline_runs_id_fk";
--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_by" bigint;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "taken_up_offset" bigint;--> statement-breakpoint
ALTER TABLE "audit"."partition_progress" ADD COLUMN "deaths" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "audit"."operator_actions" ADD CONSTRAINT "operator_actions_action" CHECK ("action" in ('pause', 'resume', 'run_now', 'continue_partition', 'new_incarnation', 'acknowledge_loss', 'redrive', 'dismiss', 'replay', 'test_alert', 'stop_action', 'continue_action'));