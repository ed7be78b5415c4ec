#!/usr/bin/env bash
# docker compose with the files of an environment: ENV=dev, prod or test.
#   ENV=prod scripts/compose/compose.sh ps
set -euo pipefail
cd "$(dirname "$0")/../.."
case ${ENV:-dev} in
  dev | prod | test) ;;
  *) echo "ENV is \"$ENV\", neither dev nor prod nor test" >&2; exit 2 ;;
esac
REVISION=${REVISION:-$(git rev-parse --short HEAD 2>/dev/null || echo unknown)}
export REVISION
exec docker compose -f docker-compose.yaml -f "docker-compose.${ENV:-dev}.yaml" "$@"
