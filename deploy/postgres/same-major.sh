#!/bin/sh
# Before the image's own entry point: data of another major version is refused in plain words. Postgres
# would refuse it too, in its own.
set -eu
found=$(cat "$PGDATA/PG_VERSION" 2>/dev/null || true)
ours=$(postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
if [ -n "$found" ] && [ "$found" != "$ours" ]; then
  cat >&2 <<END
The data directory was written by PostgreSQL $found and this image is PostgreSQL $ours. Nothing was touched.
Take a backup with the old image, then restore it into a new volume with this one:
docs/OPERATIONS.md, "Another major version of Postgres".
END
  exit 1
fi
exec docker-entrypoint.sh "$@"
