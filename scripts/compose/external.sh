#!/usr/bin/env bash
# Which of production's servers are not ours to run: EXTERNAL from the shell or .env, kafka and postgres.
set -euo pipefail
cd "$(dirname "$0")/../.."
external=${EXTERNAL-$(sed -n 's/^EXTERNAL=//p' .env 2>/dev/null | tail -n 1 | tr -d "\"'\r" || true)}
for server in $external; do
  case $server in
    kafka | postgres) echo "$server" ;;
    *) echo "EXTERNAL is \"$external\": it takes kafka, postgres or both, with a blank between" >&2; exit 2 ;;
  esac
done
