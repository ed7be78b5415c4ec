#!/usr/bin/env bash
# docker compose with the files of an environment: ENV=dev, prod or test.
#   ENV=prod scripts/compose/compose.sh ps
# EXTERNAL="kafka postgres", or one of them: production with servers of your own (also from .env).
set -euo pipefail
cd "$(dirname "$0")/../.."
case ${ENV:-dev} in
  dev | prod | test) ;;
  *) echo "ENV is \"$ENV\", neither dev nor prod nor test" >&2; exit 2 ;;
esac
REVISION=${REVISION:-$(git rev-parse --short HEAD 2>/dev/null || echo unknown)}
export REVISION
files=(-f docker-compose.yaml -f "docker-compose.${ENV:-dev}.yaml")
if [ "${ENV:-dev}" = prod ]; then
  external=$(scripts/compose/external.sh)
  for server in $external; do files+=(-f "docker-compose.external-$server.yaml"); done
fi
exec docker compose "${files[@]}" "$@"
