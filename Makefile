# The targets of Global Sales Pulse; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-int test-another-stream test-long test-faults test-browser test-compose storm fuzz lint lint-compose format bench bench-pages clean \
	dev-up dev-down dev-logs prod-up prod-down prod-logs prod-secrets images doctor \
	db-migrate db-reset backup restore rotate-passwords shell-etl shell-producer grafana-logs

# Which environment backup, restore, db-reset, the shells and the like mean: dev or prod.
ENV ?= dev
export ENV

# What is installed is current as long as it is younger than the lock file.
INSTALLED := node_modules/.package-lock.json

# Where there is npm, commands run on this machine; where there is only Docker, in the project's image.
ifneq ($(shell command -v npm 2>/dev/null),)
NPM_RUN := npm run --silent
READY := $(INSTALLED)
else
NPM_RUN := scripts/compose/npm-run.sh
READY := docker
endif

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: docker
docker:
	@scripts/compose/need-docker.sh

# ---- On this machine, or in the project's image where there is no Node -------------------------------

demo: $(READY) ## Run everything on this machine for DEMO_SECONDS (60) and prove that it balances
	@$(NPM_RUN) demo

test: $(READY) ## All tests, on a real Kafka and a real Postgres
	@$(NPM_RUN) test

test-unit: $(READY) ## The tests that need no server (seconds)
	@$(NPM_RUN) test:unit

test-int: $(READY) ## The tests that need Kafka and Postgres
	@$(NPM_RUN) test:integration

test-another-stream: $(INSTALLED) ## SUITES (unit integration) with another stream in place of transactions
	@npm run --silent test:another-stream -- $(ARGS)

test-faults: $(READY) ## Every fault of the matrix, on servers of its own (minutes)
	@$(NPM_RUN) test:faults

storm: $(INSTALLED) ## KILLS (1000) random faults under load of two streams; the books must balance at the end
	@npm run --silent storm

fuzz: $(INSTALLED) ## FUZZ_RECORDS (1000000) hostile records of FUZZ_STREAM (the first); each must become what it should
	@npm run --silent fuzz

test-long: $(INSTALLED) ## What takes hours: long storm and fuzz, a million clicks, all suites with another stream
	@KILLS=$${KILLS:-500} npm run --silent storm
	@for stream in transactions sales site_events products customers; do \
	  FUZZ_STREAM=$$stream FUZZ_RECORDS=$${FUZZ_RECORDS:-200000} npm run --silent fuzz || exit 1; \
	done
	@FOREIGN_CLICKS=1000000 npm run --silent test:integration -- tests/integration/five-foreign-streams.test.ts
	@SUITES="unit integration faults" npm run --silent test:another-stream

test-browser: $(INSTALLED) ## The console in a real browser; needs Chromium
	@npm run --silent test:browser

test-compose: $(INSTALLED) docker ## The containers themselves: gate, crashes, start and stop (minutes)
	@node_modules/.bin/node node_modules/vitest/vitest.mjs run --config tests/compose/vitest.config.ts

lint: $(READY) ## Lint, formatting and types
	@$(NPM_RUN) lint

lint-compose: $(INSTALLED) docker ## Compose files: every combination is valid, and dclint has no complaint
	@scripts/compose/lint.sh

format: $(INSTALLED) ## Format the sources
	@npm run --silent format

bench: $(READY) ## Throughput of the ETL against COPY, or against another commit (ARGS="--help")
	@$(NPM_RUN) bench -- $(ARGS)

bench-pages: $(READY) ## What each page of the console takes over a million facts
	@$(NPM_RUN) bench:pages

clean: ## Remove what was installed
	rm -rf node_modules

# ---- Development in containers ------------------------------------------------------------------------

dev-up: docker ## Start everything in containers, wait until it is healthy, print the URLs
	@scripts/compose/dev-up.sh

dev-down: docker ## Stop and remove the containers; the data stay (VOLUMES=1 removes them too)
	@ENV=dev scripts/compose/down.sh

dev-logs: docker ## Follow the logs (SERVICE=etl for one)
	@ENV=dev scripts/compose/compose.sh logs --follow --tail 100 $(SERVICE)

grafana-logs: docker ## Follow Grafana's log
	@scripts/compose/compose.sh logs --follow --tail 100 grafana

shell-etl: docker ## A shell in the ETL's container (ENV=prod for production)
	@scripts/compose/compose.sh exec etl bash

shell-producer: docker ## A shell in the producer's container
	@scripts/compose/compose.sh exec producer bash

# ---- Production ---------------------------------------------------------------------------------------

prod-secrets: ## Make up the production secrets that are missing, as files
	@scripts/compose/secrets.sh make

prod-up: docker ## Start production: three brokers, several workers, secrets from files
	@scripts/compose/prod-up.sh

prod-down: docker ## Stop and remove production's containers; the data stay
	@ENV=prod scripts/compose/down.sh

prod-logs: docker ## Follow production's logs (SERVICE=etl for one)
	@ENV=prod scripts/compose/compose.sh logs --follow --tail 100 $(SERVICE)

images: docker ## Build the project's image
	@scripts/compose/compose.sh build --quiet etl

# ---- The warehouse (ENV=prod for production's) --------------------------------------------------------

db-migrate: ## Migrate and validate: DATABASE_URL's warehouse where that is set, else that of the containers
ifneq ($(DATABASE_URL)$(MIGRATION_DATABASE_URL),)
	@$(MAKE) --no-print-directory $(INSTALLED)
	@npm run --silent migrate
else
	@scripts/compose/need-docker.sh 'or DATABASE_URL, to migrate that'
	@scripts/compose/compose.sh run --rm db-init
endif

db-reset: docker ## Empty the warehouse (asks first); the job then rebuilds it from what Kafka holds
	@scripts/compose/db-reset.sh

backup: docker ## Write warehouse, Grafana's state and secrets to ./backups/<time>
	@scripts/compose/backup.sh

restore: docker ## Restore the warehouse from BACKUP=backups/<time> (asks first)
	@scripts/compose/restore.sh $(BACKUP)

rotate-passwords: docker ## Bring the passwords that are set now into Postgres, ETL and Grafana
	@scripts/compose/rotate-passwords.sh

doctor: ## Check versions, memory, disk, ports and secrets; names the fix
	@scripts/compose/doctor.sh
