CREATE SCHEMA IF NOT EXISTS "warehouse";
--> statement-breakpoint
CREATE TABLE "warehouse"."transactions" (
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "warehouse"."transactions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"processed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"transaction_timestamp" timestamp with time zone NOT NULL,
	"order_id" uuid NOT NULL,
	"fraud_score" smallint NOT NULL,
	"is_fraud_flagged" boolean NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"tax_amount" numeric(12, 2) NOT NULL,
	"total_amount" numeric(14, 2) NOT NULL,
	"currency" varchar(3) collate "C" NOT NULL,
	"customer_id" varchar(50) collate "C" NOT NULL,
	"product_category" varchar(50) collate "C" NOT NULL,
	"fraud_reasons" text[] NOT NULL,
	"batch_id" text NOT NULL,
	CONSTRAINT "transactions_pkey" PRIMARY KEY("transaction_timestamp","order_id"),
	CONSTRAINT "transactions_amount_positive" CHECK (amount > 0),
	CONSTRAINT "transactions_fraud_score" CHECK (fraud_score between 0 and 100)
) PARTITION BY RANGE ("transaction_timestamp");
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
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX "transactions_customer" ON "warehouse"."transactions" USING btree ("customer_id");
--> statement-breakpoint
CREATE INDEX "transactions_flagged" ON "warehouse"."transactions" USING btree ("transaction_timestamp") WHERE is_fraud_flagged;
