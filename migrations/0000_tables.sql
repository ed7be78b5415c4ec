CREATE SCHEMA IF NOT EXISTS "audit";
--> statement-breakpoint
CREATE SCHEMA IF NOT EXISTS "warehouse";
--> statement-breakpoint
CREATE TABLE "audit"."data_losses" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"from_offset" bigint NOT NULL,
	"to_offset" bigint NOT NULL,
	"detected_at" timestamp with time zone DEFAULT now() NOT NULL,
	"acknowledged_at" timestamp with time zone,
	"acknowledged_by" text,
	"reason" text,
	CONSTRAINT "data_losses_pkey" PRIMARY KEY("topic","partition","incarnation","from_offset"),
	CONSTRAINT "data_losses_range" CHECK (from_offset < to_offset)
);
--> statement-breakpoint
CREATE TABLE "audit"."dead_letters" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."dead_letters_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"incarnation" integer NOT NULL,
	"kafka_timestamp" timestamp with time zone NOT NULL,
	"key" "bytea",
	"value" "bytea",
	"headers" jsonb NOT NULL,
	"code" text NOT NULL,
	"issues" jsonb NOT NULL,
	"batch_id" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"redrive_of" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"published_at" timestamp with time zone,
	"resolved_at" timestamp with time zone,
	"resolution" text,
	CONSTRAINT "dead_letters_origin" UNIQUE("topic","partition","incarnation","offset"),
	CONSTRAINT "dead_letters_code" CHECK ("code" in ('malformed_json', 'schema_violation', 'timestamp_out_of_range', 'conflicting_duplicate', 'rejected_by_warehouse', 'undecodable'))
);
--> statement-breakpoint
CREATE TABLE "audit"."partition_progress" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"first_offset" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"cluster_id" text NOT NULL,
	"log_start" bigint NOT NULL,
	"log_end" bigint,
	"log_seen_at" timestamp with time zone,
	"last_offset" bigint,
	"last_timestamp" timestamp with time zone,
	"last_hash" text,
	"stopped_at" timestamp with time zone,
	"stop_code" text,
	"stop_reason" text,
	"accepted_until" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "partition_progress_pkey" PRIMARY KEY("topic","partition")
);
--> statement-breakpoint
CREATE TABLE "audit"."pipeline_batches" (
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"from_offset" bigint NOT NULL,
	"to_offset" bigint NOT NULL,
	"batch_id" text NOT NULL,
	"run_id" bigint NOT NULL,
	"consumed" bigint DEFAULT 0 NOT NULL,
	"loaded" bigint DEFAULT 0 NOT NULL,
	"duplicate" bigint DEFAULT 0 NOT NULL,
	"dead_lettered" bigint DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"oldest_record_at" timestamp with time zone,
	"newest_record_at" timestamp with time zone,
	"extract_ms" double precision NOT NULL,
	"validate_ms" double precision NOT NULL,
	"transform_ms" double precision NOT NULL,
	"load_ms" double precision NOT NULL,
	"loaded_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "pipeline_batches_pkey" PRIMARY KEY("topic","partition","incarnation","from_offset"),
	CONSTRAINT "pipeline_batches_batch_id" UNIQUE("batch_id"),
	CONSTRAINT "pipeline_batches_balance" CHECK (consumed = loaded + duplicate + dead_lettered),
	CONSTRAINT "pipeline_batches_range" CHECK (from_offset < to_offset)
);
--> statement-breakpoint
CREATE TABLE "audit"."pipeline_runs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."pipeline_runs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"worker" text NOT NULL,
	"status" text DEFAULT 'running' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"batches" bigint DEFAULT 0 NOT NULL,
	"consumed" bigint DEFAULT 0 NOT NULL,
	"loaded" bigint DEFAULT 0 NOT NULL,
	"duplicate" bigint DEFAULT 0 NOT NULL,
	"dead_lettered" bigint DEFAULT 0 NOT NULL,
	"retries" bigint DEFAULT 0 NOT NULL,
	"error" text,
	CONSTRAINT "pipeline_runs_kind" CHECK ("kind" in ('tick', 'manual')),
	CONSTRAINT "pipeline_runs_status" CHECK ("status" in ('running', 'succeeded', 'failed', 'abandoned'))
);
--> statement-breakpoint
CREATE TABLE "warehouse"."order_keys" (
	"order_id" uuid PRIMARY KEY NOT NULL,
	"transaction_timestamp" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "warehouse"."sales_by_minute" (
	"minute" timestamp with time zone NOT NULL,
	"source_partition" integer NOT NULL,
	"currency" varchar(3) collate "C" NOT NULL,
	"product_category" varchar(50) collate "C" NOT NULL,
	"transactions" bigint DEFAULT 0 NOT NULL,
	"flagged" bigint DEFAULT 0 NOT NULL,
	"amount" numeric DEFAULT '0' NOT NULL,
	"tax_amount" numeric DEFAULT '0' NOT NULL,
	"flagged_amount" numeric DEFAULT '0' NOT NULL,
	CONSTRAINT "sales_by_minute_pkey" PRIMARY KEY("minute","source_partition","currency","product_category")
);
--> statement-breakpoint
CREATE TABLE "warehouse"."transactions" (
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "warehouse"."transactions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"transaction_timestamp" timestamp with time zone NOT NULL,
	"processed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"order_id" uuid NOT NULL,
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"is_fraud_flagged" boolean NOT NULL,
	"fraud_score" smallint NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"tax_amount" numeric(12, 2) NOT NULL,
	"total_amount" numeric(14, 2) NOT NULL,
	"currency" varchar(3) collate "C" NOT NULL,
	"customer_id" varchar(50) collate "C" NOT NULL,
	"product_category" varchar(50) collate "C" NOT NULL,
	"batch_id" text NOT NULL,
	"fraud_reasons" text[] NOT NULL,
	CONSTRAINT "transactions_pkey" PRIMARY KEY("transaction_timestamp","order_id"),
	CONSTRAINT "transactions_amount_positive" CHECK (amount > 0),
	CONSTRAINT "transactions_fraud_score" CHECK (fraud_score between 0 and 100)
) PARTITION BY RANGE ("transaction_timestamp");
--> statement-breakpoint
ALTER TABLE "audit"."pipeline_batches" ADD CONSTRAINT "pipeline_batches_run_id_pipeline_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "audit"."pipeline_runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "dead_letters_unpublished" ON "audit"."dead_letters" USING btree ("topic","partition","incarnation","offset") WHERE published_at is null;--> statement-breakpoint
CREATE INDEX "dead_letters_created" ON "audit"."dead_letters" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "pipeline_batches_run" ON "audit"."pipeline_batches" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "pipeline_batches_loaded_at" ON "audit"."pipeline_batches" USING btree ("loaded_at");--> statement-breakpoint
CREATE INDEX "pipeline_runs_started" ON "audit"."pipeline_runs" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "pipeline_runs_unsettled" ON "audit"."pipeline_runs" USING btree ("started_at") WHERE status <> 'succeeded';--> statement-breakpoint
CREATE INDEX "transactions_customer" ON "warehouse"."transactions" USING btree ("customer_id");--> statement-breakpoint
CREATE INDEX "transactions_flagged" ON "warehouse"."transactions" USING btree ("transaction_timestamp") WHERE is_fraud_flagged;