# The targets of Global Sales Pulse; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-int lint format bench db-migrate clean

# What is installed is current as long as it is younger than the lock file.
INSTALLED := node_modules/.package-lock.json

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Run everything on this machine for DEMO_SECONDS (60) and prove that it balances
	@npm run --silent demo

test: $(INSTALLED) ## All tests, on a real Kafka and a real Postgres
	@npm run --silent test

test-unit: $(INSTALLED) ## The tests that need no server (seconds)
	@npm run --silent test:unit

test-int: $(INSTALLED) ## The tests that need Kafka and Postgres
	@npm run --silent test:integration

lint: $(INSTALLED) ## Lint, formatting and types
	@npm run --silent lint

format: $(INSTALLED) ## Format the sources
	@npm run --silent format

bench: $(INSTALLED) ## Throughput of the ETL against raw COPY
	@npm run --silent bench

db-migrate: $(INSTALLED) ## Migrate and validate the warehouse of DATABASE_URL
	@npm run --silent migrate

clean: ## Remove what was installed
	rm -rf node_modules
