CREATE TABLE "warehouse"."sales_history" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"quantity" bigint,
	"transaction_id" uuid NOT NULL,
	"unit_price" numeric(12, 2),
	"amount" numeric(12, 2),
	"customer_id" varchar(50) collate "C",
	"product_id" varchar(20) collate "C",
	"currency" varchar(3) collate "C",
	"payment_method" varchar(13) collate "C",
	"status" varchar(9) collate "C",
	CONSTRAINT "sales_history_pkey" PRIMARY KEY("transaction_id","version"),
	CONSTRAINT "sales_history_unit_price_positive" CHECK (unit_price > 0),
	CONSTRAINT "sales_history_amount_positive" CHECK (amount > 0),
	CONSTRAINT "sales_history_complete" CHECK (deleted_at is not null or num_nulls(customer_id, product_id, quantity, unit_price, amount, currency, payment_method, status) = 0)
);
--> statement-breakpoint
CREATE TABLE "warehouse"."sales" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"floor_version" bigint,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"quantity" bigint,
	"transaction_id" uuid NOT NULL,
	"unit_price" numeric(12, 2),
	"amount" numeric(12, 2),
	"customer_id" varchar(50) collate "C",
	"product_id" varchar(20) collate "C",
	"currency" varchar(3) collate "C",
	"payment_method" varchar(13) collate "C",
	"status" varchar(9) collate "C",
	CONSTRAINT "sales_pkey" PRIMARY KEY("transaction_id"),
	CONSTRAINT "sales_unit_price_positive" CHECK (unit_price > 0),
	CONSTRAINT "sales_amount_positive" CHECK (amount > 0),
	CONSTRAINT "sales_complete" CHECK (deleted_at is not null or num_nulls(customer_id, product_id, quantity, unit_price, amount, currency, payment_method, status) = 0)
) WITH (fillfactor = 80);
--> statement-breakpoint
CREATE TABLE "warehouse"."sales_by_day" (
	"day" timestamp with time zone NOT NULL,
	"source_partition" integer NOT NULL,
	"currency" varchar(3) collate "C" NOT NULL,
	"status" varchar(9) collate "C" NOT NULL,
	"sales" bigint DEFAULT 0 NOT NULL,
	"quantity" numeric DEFAULT '0' NOT NULL,
	"amount" numeric DEFAULT '0' NOT NULL,
	CONSTRAINT "sales_by_day_pkey" PRIMARY KEY("day","source_partition","currency","status")
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE TABLE "warehouse"."site_events" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"event_id" uuid NOT NULL,
	"kind" varchar(8) collate "C" NOT NULL,
	"session_id" varchar(64) collate "C" NOT NULL,
	"customer_id" varchar(50) collate "C",
	"product_id" varchar(20) collate "C",
	CONSTRAINT "site_events_pkey" PRIMARY KEY("occurred_at","event_id")
) PARTITION BY RANGE ("occurred_at");
--> statement-breakpoint
CREATE TABLE "warehouse"."site_events_by_hour" (
	"hour" timestamp with time zone NOT NULL,
	"source_partition" integer NOT NULL,
	"kind" varchar(8) collate "C" NOT NULL,
	"events" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "site_events_by_hour_pkey" PRIMARY KEY("hour","source_partition","kind")
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE TABLE "warehouse"."products_history" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"price" numeric(12, 2),
	"product_id" varchar(20) collate "C" NOT NULL,
	"name" varchar(200) collate "C",
	"category" varchar(50) collate "C",
	"status" varchar(12) collate "C",
	CONSTRAINT "products_history_pkey" PRIMARY KEY("product_id","version"),
	CONSTRAINT "products_history_price_positive" CHECK (price > 0),
	CONSTRAINT "products_history_complete" CHECK (deleted_at is not null or num_nulls(name, category, price, status) = 0)
);
--> statement-breakpoint
CREATE TABLE "warehouse"."products" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"floor_version" bigint,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"price" numeric(12, 2),
	"product_id" varchar(20) collate "C" NOT NULL,
	"name" varchar(200) collate "C",
	"category" varchar(50) collate "C",
	"status" varchar(12) collate "C",
	CONSTRAINT "products_pkey" PRIMARY KEY("product_id"),
	CONSTRAINT "products_price_positive" CHECK (price > 0),
	CONSTRAINT "products_complete" CHECK (deleted_at is not null or num_nulls(name, category, price, status) = 0)
) WITH (fillfactor = 80);
--> statement-breakpoint
CREATE TABLE "warehouse"."customers_history" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"has_left" boolean DEFAULT false,
	"customer_id" varchar(50) collate "C" NOT NULL,
	"name" varchar(200) collate "C",
	"tier" varchar(8) collate "C",
	"country" varchar(2) collate "C",
	"since" date,
	CONSTRAINT "customers_history_pkey" PRIMARY KEY("customer_id","version"),
	CONSTRAINT "customers_history_complete" CHECK (deleted_at is not null or num_nulls(name, tier, country, since, has_left) = 0)
);
--> statement-breakpoint
CREATE TABLE "warehouse"."customers" (
	"source_offset" bigint NOT NULL,
	"source_partition" integer NOT NULL,
	"incarnation" integer NOT NULL,
	"floor_version" bigint,
	"changed_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	"version" bigint NOT NULL,
	"has_left" boolean DEFAULT false,
	"customer_id" varchar(50) collate "C" NOT NULL,
	"name" varchar(200) collate "C",
	"tier" varchar(8) collate "C",
	"country" varchar(2) collate "C",
	"since" date,
	CONSTRAINT "customers_pkey" PRIMARY KEY("customer_id"),
	CONSTRAINT "customers_complete" CHECK (deleted_at is not null or num_nulls(name, tier, country, since, has_left) = 0)
) WITH (fillfactor = 80);
