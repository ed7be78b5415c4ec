-- Values may name a schema of a registry. Each that a record has named is kept here, so that a rebuild, a replay and the
-- proof need no registry. The loader adds and reads; nobody changes one, as a schema of an id never does.
CREATE TABLE "audit"."schemas" (
	"id" integer PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"text" text NOT NULL,
	"imports" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"learnt_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schemas_type" CHECK ("type" in ('AVRO', 'JSON', 'PROTOBUF'))
);
--> statement-breakpoint

-- By hand.
GRANT SELECT, INSERT ON "audit"."schemas" TO pulse_loader;
--> statement-breakpoint
GRANT SELECT ON "audit"."schemas" TO pulse_reader;
