#!/usr/bin/env bash
# Runs an npm script in the project's test image, for machines with Docker and no Node. What needs servers
# gets a Kafka and a Postgres of its own; all of it is removed afterwards, and the exit code is the script's.
#   scripts/compose/npm-run.sh test:integration [-- arguments]
set -euo pipefail
cd "$(dirname "$0")/../.."
export ENV=test
# Two runs on one machine don't meet.
export COMPOSE_PROJECT_NAME=global-sales-pulse-test-$$
compose() { scripts/compose/compose.sh "$@"; }
script=${1:?which npm script}

clean_up() {
  compose --profile '*' down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || echo "Left behind: docker compose ls, project $COMPOSE_PROJECT_NAME" >&2
}
trap clean_up EXIT
trap 'exit 130' INT TERM

echo 'Building the image …' >&2
compose build --quiet test
servers=()
case $script in
  lint | test:unit) servers=(--no-deps) ;;
  *)
    compose build --quiet db-init
    compose up --detach --wait --wait-timeout 180 --quiet-pull kafka postgres 2>/dev/null
    ;;
esac
tty=()
[ -t 1 ] || tty=(--no-TTY)
compose run --rm ${tty[@]+"${tty[@]}"} ${servers[@]+"${servers[@]}"} test npm run --silent "$@"
