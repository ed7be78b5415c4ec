#!/bin/sh
# One-shot in the project's image, the gate to the warehouse: migrations and validation in one
# transaction, then the logins of ETL and Grafana with the passwords that are set now.
set -eu
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PGPASSWORD_FILE")
  export PGPASSWORD
fi
if node scripts/migrate.ts && node scripts/logins.ts; then exit 0; fi
cat >&2 <<'END'

db-init: the gate is shut. The lines above say why; ETL, producer and Grafana are not started.
  this log again                   docker compose logs db-init
  "password authentication failed" the volume knows another superuser password: make rotate-passwords
END
exit 1
